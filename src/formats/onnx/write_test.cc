// Written and imported again, a graph is itself.
#include "formats/onnx/write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/onnx/onnx.h"
#include "formats/onnx/proto.h"
#include "ir/text.h"
#include "ops/case_scene.h"
#include "ops/verify.h"

namespace slipway {
namespace {

using testing::HasSubstr;

Graph Parsed(std::string_view text) {
  auto graph = ParseGraph(text);
  EXPECT_TRUE(graph.ok()) << graph.status().ToString();
  if (!graph.ok()) return {};
  const Status status = VerifyGraph(*graph);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return std::move(*graph);
}

// Provenance is the importer's own.
void ForgetSources(Graph& graph) {
  for (Node& node : graph.nodes) {
    node.sources.clear();
    for (const auto& [name, attr] : node.attrs) {
      const auto* sub = std::get_if<GraphRef>(&attr);
      if (sub == nullptr) continue;
      Graph body = **sub;
      ForgetSources(body);
      node.attrs.Set(name, std::make_shared<const Graph>(std::move(body)));
    }
  }
}

Result<Graph> WrittenAndRead(const Graph& graph) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string bytes, FormatOnnx(graph));
  SLIPWAY_ASSIGN_OR_RETURN(ImportedModel model, ImportOnnxBytes(bytes, {}, {}));
  ForgetSources(model.graph);
  return std::move(model.graph);
}

void ExpectItself(std::string_view text) {
  const Graph graph = Parsed(text);
  const auto again = WrittenAndRead(graph);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(PrintGraph(*again), PrintGraph(graph));
}

std::string Refusal(std::string_view text) {
  const auto bytes = FormatOnnx(Parsed(text));
  EXPECT_FALSE(bytes.ok());
  return bytes.ok() ? "" : bytes.status().ToString();
}

TEST(WriteOnnx, KeepsOperandsAttributesAndSymbols) {
  ExpectItself(R"(graph "net" {
    input "x": f32["N", 3, 8, ?]
    const "w": f32[2, 3, 1, 1] = [1, -0.5, 0.25, 2, 3, 4]
    const "pads": i64[4] = [0, 1, 2, 1]
    const "axes": i64[2] = [2, 3]
    node Conv "conv" ["x", "w"] -> ["y": f32[*]] {"strides" = ints [2, 1]}
    node Cast "cast" ["y"] -> ["z": f16[*]] {"to" = dtype f16}
    node LeakyRelu "leaky" ["z"] -> ["u": f16[*]] {"alpha" = float 0.25}
    node Concat "both" ["u", "z"] -> ["v": f16[*]] {"axis" = 0}
    node Pad "pad" ["v", "pads", _, "axes"] -> ["p": f16[*]] {"mode" = "edge"}
    output "p"
    output "y"
  })");
}

TEST(WriteOnnx, KeepsStringsAndTensorsInAttributes) {
  ExpectItself(R"(graph "net" {
    input "s": string[2]
    const "k": string[2] = ["a", "b\xff"]
    node StringConcat "join" ["s", "k"] -> ["t": string[*]]
    node StringNormalizer "lower" ["t"] -> ["u": string[*]] {"case_change_action" = "LOWER", "stopwords" = strings ["x", ""]}
    const "dims": i64[1] = [3]
    node ConstantOfShape "fill" ["dims"] -> ["f": i8[*]] {"value" = tensor i8[1] = [7]}
    output "u"
    output "f"
  })");
}

TEST(WriteOnnx, KeepsOutputsLeftOutAndOutputsOfNoNode) {
  ExpectItself(R"(graph "net" {
    input "x": f32[3,1,2]
    const "w": f32[1,1,2] = [1, 2]
    const "r": f32[1,1,1] = [3]
    node RNN "last" ["x", "w", "r"] -> [_, "h": f32[*]] {"hidden_size" = 1}
    output "h"
    output "x"
  })");
}

TEST(WriteOnnx, KeepsBranchesAndWhatTheyCapture) {
  ExpectItself(R"(graph "net" {
    input "c": bool[]
    input "x": f32[2]
    node If "if" ["c", "x"] -> ["y": f32[2]] {"else_branch" = graph "no" {
        input "x": f32[2]
        const "two": f32[] = [2]
        node Mul "mul" ["x", "two"] -> ["m": f32[2]]
        output "m"
      }, "then_branch" = graph "yes" {
        input "x": f32[2]
        node Neg "neg" ["x"] -> ["n": f32[2]]
        output "n"
      }}
    output "y"
  })");
}

TEST(WriteOnnx, KeepsLoops) {
  ExpectItself(R"(graph "net" {
    input "n": i64[]
    input "x": f32[2]
    input "step": f32[2]
    node Loop "loop" ["n", _, "x", "step"] -> ["last": f32[2], "all": f32[*]] {"num_carried" = 1, "body" = graph "body" {
        input "i": i64[]
        input "go": bool[]
        input "sum": f32[2]
        input "step": f32[2]
        node Identity "same" ["go"] -> ["on": bool[]]
        node Add "add" ["sum", "step"] -> ["next": f32[2]]
        node Neg "neg" ["next"] -> ["down": f32[2]]
        output "on"
        output "next"
        output "down"
      }}
    output "last"
    output "all"
  })");
}

TEST(WriteOnnx, NamesInSubgraphsStandAlone) {
  // "m" within the branch is not the "m" outside; its output is what it captures.
  const Graph graph = Parsed(R"(graph "net" {
    input "c": bool[]
    input "x": f32[2]
    node Neg "outer" ["x"] -> ["m": f32[2]]
    node If "if" ["c", "m"] -> ["y": f32[2]] {"else_branch" = graph "no" {
        input "a": f32[2]
        node Exp "exp" ["a"] -> ["m": f32[2]]
        output "m"
      }, "then_branch" = graph "yes" {
        input "a": f32[2]
        output "a"
      }}
    output "y"
  })");
  const auto again = WrittenAndRead(graph);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  for (const bool condition : {false, true}) {
    Tensor c(DType::kBool, {});
    c.as<bool>()[0] = condition;
    const std::vector<Datum> inputs = {
        Datum::Of(c), Datum::Of(Tensor::From<float>(DType::kF32, {2}, std::vector{1.F, 2.F}))};
    const auto want = Interpret(graph, inputs);
    const auto got = Interpret(*again, inputs);
    ASSERT_TRUE(want.ok() && got.ok());
    for (int i = 0; i < 2; ++i) EXPECT_EQ((*got)[0].tensor.as<float>()[i], (*want)[0].tensor.as<float>()[i]);
  }
}

TEST(WriteOnnx, AnOutputThatStandsTwiceIsCopied) {
  const auto again = WrittenAndRead(Parsed(R"(graph "net" {
    input "x": f32[2]
    node Neg "neg" ["x"] -> ["y": f32[2]]
    output "y"
    output "y"
  })"));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->value(again->outputs[0]).name, "y");
  EXPECT_EQ(again->value(again->outputs[1]).name, "y_1");
}

TEST(WriteOnnx, TakesTheFirstOpsetThatHasEveryOperator) {
  const auto bytes = FormatOnnx(Parsed(R"(graph "net" {
    input "x": f32[2]
    node Swish "swish" ["x"] -> ["y": f32[2]]
    output "y"
  })"));
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  const auto model = onnx::DecodeModel(*bytes);
  ASSERT_TRUE(model.ok());
  ASSERT_EQ(model->opsets.size(), 1U);
  EXPECT_EQ(model->opsets[0].version, 24);
  EXPECT_EQ(model->ir_version, 12);
}

TEST(WriteOnnx, SpellsNumbersThatZeroStandsFor) {
  const auto again = WrittenAndRead(Parsed(R"(graph "net" {
    input "x": f32[6, 2]
    node Split "split" ["x"] -> ["a": f32[*], "b": f32[*]]
    output "a"
    output "b"
  })"));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->nodes[0].attrs.Int("num_outputs"), 2);
}

TEST(WriteOnnx, RefusesByName) {
  EXPECT_THAT(Refusal(R"(graph "net" {
    input "x": f32[2]
    const "pads": i64[2] = [1, 1]
    node Pad "pad" ["x", "pads"] -> ["y": f32[4]] {"mode" = "symmetric"}
    output "y"
  })"),
              HasSubstr("Pad 'pad' has no twin in ONNX: ONNX's Pad has no mode 'symmetric'"));
  EXPECT_THAT(Refusal(R"(graph "net" {
    input "x": f32[2]
    node Add "sum" ["x", "x"] -> ["y": f32[2]] {"activation" = "relu"}
    output "y"
  })"),
              HasSubstr("Add 'sum' has no twin in ONNX: ONNX's Add has no attribute 'activation'"));
  EXPECT_THAT(Refusal(R"(graph "net" {
    input "x": f32[2]
    node Square "a" ["x"] -> ["y": f32[2]]
    node Neg "b" ["y"] -> ["z": f32[2]]
    node Square "c" ["z"] -> ["u": f32[2]]
    output "u"
  })"),
              HasSubstr("Square 'a' has no twin in ONNX: ONNX has no such operator (and 1 more nodes)"));
  EXPECT_THAT(Refusal(R"(graph "net" {
    input "x": u8[2] quant scales [0.5] zero_points [3] axis -1
    node Identity "same" ["x"] -> ["y": u8[2] quant scales [0.5] zero_points [3] axis -1]
    output "y"
  })"),
              HasSubstr("input 'x' carries a scale and a zero point"));
  EXPECT_THAT(Refusal(R"(graph "net" {
    input "x": f32[2]
    state "h": f32[2] = [0, 0]
    node Add "sum" ["x", "h"] -> ["y": f32[2]]
    output "y"
    output "y"
  })"),
              HasSubstr("state 'h' is handed from run to run"));
}

// Every record's test cases: what can be written reads back as the same, and is written the same again.
TEST(WriteOnnx, EveryCaseThatHasATwinReadsBack) {
  std::set<std::string> written;
  for (const OpDef& op : AllOps()) {
    if (op.cases == nullptr) continue;
    for (const TestCase& test : op.cases()) {
      SCOPED_TRACE(op.name + "/" + test.label);
      auto scene = MakeCaseScene(op, test, 7);
      if (!scene.ok()) continue;  // the record's own tests speak of it
      const auto bytes = FormatOnnx(scene->graph);
      if (!bytes.ok()) {
        EXPECT_EQ(bytes.status().code(), Code::kUnsupported) << bytes.status().ToString();
        continue;
      }
      auto again = ImportOnnxBytes(*bytes, {}, {});
      ASSERT_TRUE(again.ok()) << again.status().ToString();
      EXPECT_EQ(again->graph.nodes.size(), 1U);
      EXPECT_EQ(FormatOnnx(again->graph).value(), *bytes);
      written.insert(op.name);
    }
  }
  EXPECT_GT(written.size(), 130U) << testing::PrintToString(written);
}

}  // namespace
}  // namespace slipway
