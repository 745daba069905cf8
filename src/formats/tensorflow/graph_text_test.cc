#include "formats/tensorflow/graph_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/tensorflow/graph_def.h"
#include "formats/tensorflow/test_graph.h"

namespace slipway::tensorflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<TfGraph> Read(const std::string& text) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string bytes, EncodeGraphText(text));
  return DecodeText(bytes);
}

// The attribute "a" of a node, written as `value`; an error's text, or "left out".
Attr AttrOf(const std::string& value) {
  const auto graph = Read("node { name: 'n' op: 'Op' attr { key: 'a' value { " + value + " } } }");
  if (!graph.ok()) return graph.status().message();
  const Attr* attr = graph->nodes[0].attrs.Find("a");
  return attr == nullptr ? Attr(std::string("left out")) : *attr;
}

TEST(GraphText, ReadsNodes) {
  const auto graph = Read(
      "# a remark\nnode { name: \"x\" op: \"Placeholder\" }\n"
      "node { name: \"y\" op: \"Op\" input: \"x\" input: \"x:1\" device: \"/cpu:0\" }\nversions { producer: "
      "27 }");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  ASSERT_EQ(graph->nodes.size(), 2U);
  EXPECT_EQ(graph->version, 27);
  EXPECT_EQ(graph->nodes[1].op, "Op");
  EXPECT_THAT(graph->nodes[1].inputs, ElementsAre("x", "x:1"));
}

template <class T>
bool Is(const Attr& attr, const T& value) {
  return std::holds_alternative<T>(attr) && std::get<T>(attr) == value;
}

TEST(GraphText, ReadsEveryKindOfAttribute) {
  EXPECT_TRUE(Is(AttrOf("s: \"SAME\""), std::string("SAME")));
  EXPECT_TRUE(Is(AttrOf("i: -3"), int64_t{-3}));
  EXPECT_TRUE(Is(AttrOf("i: 0x10"), int64_t{16}));
  EXPECT_TRUE(Is(AttrOf("f: 2.5e-1"), 0.25F));
  EXPECT_TRUE(Is(AttrOf("f: -infinity"), -INFINITY));
  EXPECT_TRUE(Is(AttrOf("b: true"), int64_t{1}));
  EXPECT_TRUE(Is(AttrOf("type: DT_HALF"), DType::kF16));
  EXPECT_TRUE(Is(AttrOf("type: DT_FLOAT_REF"), DType::kF32));
  EXPECT_TRUE(Is(AttrOf("shape { dim { size: -1 } dim { size: 3 } }"), Ints{-1, 3}));
  EXPECT_TRUE(Is(AttrOf("shape { unknown_rank: true }"), std::string("left out")));
  EXPECT_TRUE(Is(AttrOf("list { i: 1 i: 2 i: [3, 4] }"), Ints{1, 2, 3, 4}));
  EXPECT_TRUE(Is(AttrOf("list { f: 1 f: 2.5f }"), Floats{1, 2.5F}));
  EXPECT_TRUE(Is(AttrOf("func { name: \"body\" }"), std::string("body")));
}

TEST(GraphText, ReadsTensors) {
  const auto values = [](const std::string& text) {
    const Attr attr = AttrOf("tensor { " + text + " }");
    const Tensor* tensor = std::get_if<Tensor>(&attr);
    return tensor == nullptr ? std::vector<float>()
                             : std::vector<float>(tensor->as<float>(), tensor->as<float>() + tensor->count());
  };
  const std::string three = "dtype: DT_FLOAT tensor_shape { dim { size: 3 } } ";
  EXPECT_THAT(values(three + "float_val: 1 float_val: 2 float_val: 3"), ElementsAre(1, 2, 3));
  EXPECT_THAT(values(three + "float_val: 7"), ElementsAre(7, 7, 7));
  EXPECT_THAT(values(three + "tensor_content: \"\\000\\000\\200?\\000\\000\\000@\\000\\000@@\""),
              ElementsAre(1, 2, 3));
}

TEST(GraphText, ReadsFunctions) {
  const auto graph = Read(
      "library { function { signature { name: 'twice' input_arg { name: 'a' type: DT_FLOAT } "
      "output_arg { name: 'b' type: DT_FLOAT } } node_def { name: 'sum' op: 'AddV2' input: 'a' input: 'a' } "
      "ret { key: 'b' value: 'sum:z:0' } } }");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const TfFunction* function = graph->FindFunction("twice");
  ASSERT_NE(function, nullptr);
  EXPECT_THAT(function->args, ElementsAre("a"));
  EXPECT_THAT(function->results, ElementsAre("sum:0"));
}

TEST(GraphText, ErrorsNameTheLine) {
  const auto error = [](const std::string& text) { return EncodeGraphText(text).status().message(); };
  EXPECT_EQ(error("node {\n  name: 'x'\n"), "line 3: the file ends within the message that line 1 opens");
  EXPECT_EQ(error("\nnode { attr { key: 'a' value { i: 1.5 } } }"),
            "line 2: i is '1.5'; it must be a whole number");
  EXPECT_EQ(error("node { attr { value { type: FLOAT } } }"),
            "line 1: type is 'FLOAT'; it must be a type, as DT_FLOAT");
  EXPECT_EQ(error("node: 3"), "line 1: node is '3'; it must be a message in braces");
  EXPECT_EQ(error("node { name { } }"), "line 1: name is '{...}'; it must be a value");
}

TEST(GraphText, SaysThatOpenCvsDescriptionsHoldNoWeights) {
  const TfGraph graph = MakeGraph(
      {PlaceholderNode("x", {1}), {"y", "Conv2D", {"x", "w"}, {}}, {"z", "BiasAdd", {"y", "b"}, {}}});
  const Status status = CheckHoldsItsWeights(graph);
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("it reads 'w' and 1 more nodes, which it does not hold"));
  EXPECT_TRUE(CheckHoldsItsWeights(MakeGraph({PlaceholderNode("x", {1}), {"y", "Relu", {"x"}, {}}})).ok());
}

}  // namespace
}  // namespace slipway::tensorflow
