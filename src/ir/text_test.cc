#include "ir/text.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

// Every part of the form once.
constexpr std::string_view kText = R"(graph "main" {
  input "x": f32["N", 3, ?]
  input "s": sequence i64[*]
  state "c": f32[2] = [0, 0.5]
  const "w": f32[2] = [1, -0.5]
  const "k": i8[1, 3] quant scales [0.5, 0.25, 0.125] zero_points [0, 1, -1] axis 1 = [1, 2, -1]
  const "names": string[2] = ["a \"b\"", "\x00c\\"]
  const "h": f16[2] = hex "003c00c0"
  node Conv "c1" ["x", "w", _] -> ["y": f32["N", 2, ?] quant scales [0.1] zero_points [3] axis -1, _] {"alpha" = float 0.1, "body" = graph "inner" {
      input "a": bool[]
      output "a"
    }, "dtype" = dtype f16, "empty" = ints [], "group" = 1, "layout" = "channels_first", "pads" = ints [1, 2], "real" = floats [0.5], "t" = tensor i64[1] = [7], "texts" = strings ["p"]} from ["Conv 'c1'"]
  output "y"
  output "c"
}
)";

TEST(GraphText, PrintsWhatItParsed) {
  const auto graph = ParseGraph(kText);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ(PrintGraph(*graph), kText);
}

TEST(GraphText, KeepsTheMeaning) {
  const auto graph = ParseGraph(kText);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  const Node& node = graph->nodes[0];
  EXPECT_EQ(node.inputs, (std::vector<ValueId>{0, 3, kNoValue}));
  EXPECT_EQ(node.attrs.Float("alpha"), 0.1f);
  EXPECT_EQ(node.attrs.GraphOf("body")->name, "inner");
  EXPECT_EQ(graph->value(4).quant->zero_points, (std::vector<int64_t>{0, 1, -1}));
  EXPECT_EQ(graph->value(5).data.as<std::string>()[1], std::string("\0c\\", 3));
}

TEST(GraphText, QuotesOperatorsWhoseNamesAreNoWords) {
  Graph graph;
  graph.name = "plugins";
  for (const char* op : {"acme.Scale@1", "custom:onnx:com.acme:\"Foo\":1", "Relu"}) {
    graph.nodes.emplace_back().op = op;
    graph.nodes.back().name = "n";
  }
  const auto read = ParseGraph(PrintGraph(graph));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(PrintGraph(*read), PrintGraph(graph));
  EXPECT_EQ(read->nodes[1].op, graph.nodes[1].op);
  EXPECT_NE(PrintGraph(graph).find("node Relu "), std::string::npos);
}

TEST(GraphText, ReadsStates) {
  const auto graph = ParseGraph(kText);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ(graph->CallerInputs().size(), 2U);
  EXPECT_EQ(graph->CallerOutputs().size(), 1U);
  ASSERT_EQ(graph->states.size(), 1U);
  EXPECT_EQ(graph->states[0].as<float>()[1], 0.5F);
  constexpr std::string_view kState = "graph \"g\" { state \"c\": f32[1] = [0] ";
  EXPECT_FALSE(ParseGraph(std::string(kState) + "}").ok());
  EXPECT_FALSE(ParseGraph(std::string(kState) + "input \"x\": f32[1] output \"x\" }").ok());
  EXPECT_TRUE(ParseGraph(std::string(kState) + "output \"c\" }").ok());
}

// Wherever the text is cut, or a character is lost, the parser says so or reads another graph; it never fails
// otherwise.
TEST(GraphText, RefusesDamage) {
  for (size_t i = 0; i + 2 < kText.size(); ++i) {
    EXPECT_FALSE(ParseGraph(kText.substr(0, i)).ok()) << i;
    std::string damaged(kText);
    damaged.erase(i, 1);
    (void)ParseGraph(damaged);
  }
}

TEST(GraphText, NamesLineAndExpectation) {
  const auto graph = ParseGraph("graph \"g\" {\n  output \"y\"\n}");
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.status().message(),
            "graph text, line 2: expected the name of a value defined above, before this, found '\n}'");
}

TEST(GraphText, BoundsNestingAndSizes) {
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "graph \"g\" { node If \"i\" [] -> [] {\"b\" = ";
  EXPECT_FALSE(ParseGraph(deep).ok());
  EXPECT_FALSE(ParseGraph("graph \"g\" { const \"c\": f32[1000000000000] = [1] }").ok());
}

}  // namespace
}  // namespace slipway
