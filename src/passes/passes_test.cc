// Every pass: what it rewrites, what it must leave alone, that a second time changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "ops/verify.h"
#include "passes/pass.h"
#include "passes/pipeline.h"
#include "passes/testing.h"

namespace slipway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Tensor Floats(Dims dims, const std::vector<float>& values) {
  return Tensor::From<float>(DType::kF32, std::move(dims), values);
}

// A graph under construction; every node has a source that says its operator.
struct Case {
  Graph graph;
  GraphBuilder builder{graph};

  ValueId Input(const Dims& dims) { return builder.Input("x", Type::Of(DType::kF32, ToDimList(dims))); }
  ValueId Constant(Dims dims, const std::vector<float>& values) {
    return builder.Constant("c", Floats(std::move(dims), values));
  }
  ValueId Add(const std::string& op, std::vector<ValueId> inputs, Attrs attrs = {}) {
    builder.SetSources({op});
    auto id = builder.Add(op, std::move(inputs), std::move(attrs));
    EXPECT_TRUE(id.ok()) << id.status().ToString();
    return id.ok() ? *id : kNoValue;
  }
  // 1x1 convolution of two channels with the weights [1 2; 3 4].
  ValueId Conv(ValueId x) {
    return Add("Conv", {x, Constant({2, 2, 1, 1}, {1, 2, 3, 4}), Constant({2}, {5, 6})});
  }
};

std::vector<std::string> Ops(const Graph& graph) {
  std::vector<std::string> ops;
  for (const Node& node : graph.nodes) ops.push_back(node.op);
  return ops;
}

// Runs the pass twice: the results stay, the graph stays sound, the second time nothing changes. True if the
// first did.
bool Rewrites(PassFn pass, Graph& graph) {
  const std::string before = Outputs(graph);
  const auto first = pass(graph);
  EXPECT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_TRUE(EliminateDead(graph).ok());
  EXPECT_TRUE(graph.SortTopologically().ok());
  const Status status = VerifyGraph(graph);
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Outputs(graph), before);
  const auto second = pass(graph);
  EXPECT_TRUE(second.ok() && !*second) << "not idempotent";
  return first.ok() && *first;
}

TEST(FoldConstants, ComputesWhatIsConstant) {
  Case c;
  const ValueId sum = c.Add("Add", {c.Constant({2}, {1, 2}), c.Constant({2}, {3, 4})});
  c.graph.outputs = {c.Add("Mul", {c.Input({2}), sum})};
  EXPECT_TRUE(Rewrites(FoldConstants, c.graph));
  EXPECT_THAT(Ops(c.graph), ElementsAre("Mul"));
}

TEST(FoldConstants, KnowsShapes) {
  Case c;
  const ValueId x = c.Input({2, 3});
  c.graph.outputs = {c.Add("Reshape", {c.Add("Neg", {x}), c.Add("Shape", {x})})};
  EXPECT_TRUE(Rewrites(FoldConstants, c.graph));
  EXPECT_THAT(Ops(c.graph), ElementsAre("Neg", "Reshape"));
}

TEST(FoldConstants, LeavesWhatDependsOnInputs) {
  Case c;
  c.graph.outputs = {c.Add("Add", {c.Input({2}), c.Constant({2}, {3, 4})})};
  EXPECT_FALSE(Rewrites(FoldConstants, c.graph));
}

TEST(EliminateNoOps, DropsWhatChangesNothing) {
  Case c;
  ValueId x = c.Add("Identity", {c.Input({1, 2})});
  x = c.Add("Cast", {x}, {{"to", DType::kF32}});
  x = c.Add("Transpose", {x}, {{"perm", Ints{0, 1}}});
  x = c.Add("Reshape", {x, c.builder.Ints({1, 2})});
  c.graph.outputs = {c.Add("Relu", {x})};
  EXPECT_TRUE(Rewrites(EliminateNoOps, c.graph));
  EXPECT_THAT(Ops(c.graph), ElementsAre("Relu"));
}

TEST(EliminateNoOps, KeepsTheNameOfAnOutput) {
  Case c;
  c.graph.outputs = {c.Add("Identity", {c.Add("Relu", {c.Input({2})})})};
  const std::string name = c.graph.value(c.graph.outputs[0]).name;
  EXPECT_TRUE(Rewrites(EliminateNoOps, c.graph));
  EXPECT_THAT(Ops(c.graph), ElementsAre("Relu"));
  EXPECT_EQ(c.graph.value(c.graph.outputs[0]).name, name);
}

TEST(EliminateNoOps, LeavesRealChangesAndInputsThatAreOutputs) {
  Case c;
  const ValueId x = c.Input({2, 3});
  c.graph.outputs = {c.Add("Identity", {x}), c.Add("Transpose", {x}, {{"perm", Ints{1, 0}}}),
                     c.Add("Cast", {x}, {{"to", DType::kI32}}), c.Add("Reshape", {x, c.builder.Ints({6})})};
  EXPECT_FALSE(Rewrites(EliminateNoOps, c.graph));
}

TEST(EliminateDead, DropsWhatNobodyReads) {
  Case c;
  const ValueId x = c.Input({2});
  c.Add("Neg", {c.Add("Abs", {x})});
  c.graph.outputs = {c.Add("Relu", {x})};
  EXPECT_TRUE(Rewrites(EliminateDead, c.graph));
  EXPECT_THAT(Ops(c.graph), ElementsAre("Relu"));
  EXPECT_FALSE(*EliminateDead(c.graph));
}

ValueId BatchNorm(Case& c, ValueId x) {
  return c.Add("BatchNormalization",
               {x, c.Constant({2}, {2, 3}), c.Constant({2}, {1, -1}), c.Constant({2}, {4, 5}),
                c.Constant({2}, {1, 4})},
               {{"epsilon", 0.0f}});
}

TEST(FoldBatchNorm, ScalesTheWeights) {
  Case c;
  c.graph.outputs = {BatchNorm(c, c.Conv(c.Input({1, 2, 2, 1})))};
  EXPECT_TRUE(Rewrites(FoldBatchNorm, c.graph));
  EXPECT_THAT(Ops(c.graph), ElementsAre("Conv"));
  EXPECT_THAT(c.graph.nodes[0].sources, ElementsAre("Conv", "BatchNormalization"));
}

TEST(FoldBatchNorm, LeavesConvolutionsThatOthersRead) {
  Case c;
  const ValueId conv = c.Conv(c.Input({1, 2, 2, 1}));
  c.graph.outputs = {BatchNorm(c, conv), c.Add("Neg", {conv})};
  EXPECT_FALSE(Rewrites(FoldBatchNorm, c.graph));
}

TEST(FuseConvBias, FoldsEveryKindOfPerChannelConstant) {
  for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
    Case c;
    c.graph.outputs = {c.Add(op, {c.Conv(c.Input({1, 2, 2, 1})), c.Constant({2, 1, 1}, {2, 4})})};
    EXPECT_TRUE(Rewrites(FuseConvBias, c.graph)) << op;
    EXPECT_THAT(c.graph.nodes[0].sources, ElementsAre("Conv", op));
  }
}

TEST(FuseConvBias, LeavesOtherAxesOtherSidesAndOutputs) {
  Case along_width;
  along_width.graph.outputs = {along_width.Add(
      "Add", {along_width.Conv(along_width.Input({1, 2, 1, 2})), along_width.Constant({2}, {2, 4})})};
  EXPECT_FALSE(Rewrites(FuseConvBias, along_width.graph));
  Case minus;
  minus.graph.outputs = {minus.Add("Sub", {minus.Constant({1}, {2}), minus.Conv(minus.Input({1, 2, 1, 2}))})};
  EXPECT_FALSE(Rewrites(FuseConvBias, minus.graph));
  Case output;
  const ValueId conv = output.Conv(output.Input({1, 2, 1, 2}));
  output.graph.outputs = {conv, output.Add("Add", {conv, output.Constant({1}, {2})})};
  EXPECT_FALSE(Rewrites(FuseConvBias, output.graph));
}

TEST(FuseSilu, RecognisesEitherOrder) {
  for (const bool is_sigmoid_first : {false, true}) {
    Case c;
    const ValueId x = c.Input({2});
    const ValueId gate = c.Add("Sigmoid", {x});
    c.graph.outputs = {c.Add("Mul", is_sigmoid_first ? std::vector{gate, x} : std::vector{x, gate})};
    EXPECT_TRUE(Rewrites(FuseSilu, c.graph));
    EXPECT_THAT(Ops(c.graph), ElementsAre("Swish"));
    EXPECT_THAT(c.graph.nodes[0].sources, ElementsAre("Mul", "Sigmoid"));
  }
}

TEST(FuseSilu, LeavesGatesOfOthers) {
  Case c;
  const ValueId x = c.Input({2});
  const ValueId gate = c.Add("Sigmoid", {x});
  c.graph.outputs = {c.Add("Mul", {c.Add("Neg", {x}), gate}), c.Add("Mul", {gate, gate})};
  EXPECT_FALSE(Rewrites(FuseSilu, c.graph));
}

TEST(FuseActivation, JoinsTheProducer) {
  for (const char* op : {"Relu", "Sigmoid", "Tanh", "HardSwish", "LeakyRelu"}) {
    Case c;
    c.graph.outputs = {c.Add(op, {c.Conv(c.Input({1, 2, 2, 1}))})};
    EXPECT_TRUE(Rewrites(FuseActivation, c.graph)) << op;
    EXPECT_THAT(Ops(c.graph), ElementsAre("Conv")) << op;
    EXPECT_THAT(c.graph.nodes[0].sources, ElementsAre("Conv", op));
  }
}

TEST(FuseActivation, TurnsClipIntoItsKnownForms) {
  Case c;
  c.graph.outputs = {
      c.Add("Clip", {c.Conv(c.Input({1, 2, 2, 1})), c.Constant({}, {0}), c.Constant({}, {6})})};
  EXPECT_TRUE(Rewrites(FuseActivation, c.graph));
  EXPECT_EQ(c.graph.nodes[0].attrs.String("activation"), "relu6");
}

TEST(FuseActivation, LeavesASecondActivationAndOtherReaders) {
  Case twice;
  const ValueId first =
      twice.Add("Conv", {twice.Input({1, 2, 2, 1}), twice.Constant({2, 2, 1, 1}, {1, 2, 3, 4})},
                {{"activation", std::string("sigmoid")}});
  twice.graph.outputs = {twice.Add("Relu", {first})};
  EXPECT_FALSE(Rewrites(FuseActivation, twice.graph));
  Case shared;
  const ValueId conv = shared.Conv(shared.Input({1, 2, 2, 1}));
  shared.graph.outputs = {shared.Add("Relu", {conv}), shared.Add("Neg", {conv})};
  EXPECT_FALSE(Rewrites(FuseActivation, shared.graph));
}

Graph ConvBatchNormRelu() {
  Case c;
  c.graph.outputs = {c.Add("Relu", {BatchNorm(c, c.Conv(c.Input({1, 2, 2, 1})))})};
  return std::move(c.graph);
}

TEST(Optimize, FusesAChainAndKeepsAllSources) {
  Graph graph = ConvBatchNormRelu();
  const std::string before = Outputs(graph);
  const auto reports = Optimize(graph, {});
  ASSERT_TRUE(reports.ok()) << reports.status().ToString();
  EXPECT_EQ(reports->size(), PassNames().size());
  ASSERT_THAT(Ops(graph), ElementsAre("Transpose", "Conv", "Transpose"));
  EXPECT_THAT(graph.nodes[1].sources, ElementsAre("Conv", "BatchNormalization", "Relu"));
  EXPECT_EQ(Outputs(graph), before);
}

TEST(Optimize, ObeysItsSwitches) {
  Graph disabled = ConvBatchNormRelu();
  EXPECT_TRUE(Optimize(disabled, {.disabled = {"fold_batch_norm"}}).ok());
  EXPECT_THAT(Ops(disabled), ElementsAre("Transpose", "Conv", "BatchNormalization", "Relu", "Transpose"));
  Graph all = ConvBatchNormRelu();
  EXPECT_TRUE(Optimize(all, {.disabled = {"all"}}).ok());
  EXPECT_THAT(Ops(all), ElementsAre("Conv", "BatchNormalization", "Relu"));
  Graph stopped = ConvBatchNormRelu();
  const std::vector<std::string> names = PassNames();
  const auto last = std::find(names.begin(), names.end(), "fold_batch_norm") - names.begin() + 1;
  EXPECT_EQ(Optimize(stopped, {.stop_after = static_cast<int>(last)})->size(), static_cast<size_t>(last));
  EXPECT_THAT(Ops(stopped), ElementsAre("Transpose", "Conv", "Relu", "Transpose"));
}

TEST(Optimize, NamesThePassNearestToAMistypedOne) {
  Graph graph = ConvBatchNormRelu();
  const auto reports = Optimize(graph, {.disabled = {"fold_batchnorm"}});
  ASSERT_FALSE(reports.ok());
  EXPECT_EQ(reports.status().code(), Code::kUsage);
  EXPECT_EQ(reports.status().message(),
            "no pass is called 'fold_batchnorm' (did you mean 'fold_batch_norm'?)");
}

TEST(Optimize, ReadsTheEnvironment) {
  ::setenv("SLIPWAY_DISABLE", "fuse_silu,,fold_constants", 1);
  ::setenv("SLIPWAY_ENABLE", "merge_siblings", 1);
  ::setenv("SLIPWAY_STOP_AFTER", "2", 1);
  const PipelineOptions options = PipelineOptions::FromEnvironment();
  ::unsetenv("SLIPWAY_DISABLE");
  ::unsetenv("SLIPWAY_ENABLE");
  ::unsetenv("SLIPWAY_STOP_AFTER");
  EXPECT_THAT(options.disabled, ElementsAre("fuse_silu", "fold_constants"));
  EXPECT_THAT(options.enabled, ElementsAre("merge_siblings"));
  EXPECT_EQ(options.stop_after, 2);
  EXPECT_THAT(PipelineOptions::FromEnvironment().disabled, IsEmpty());
}

}  // namespace
}  // namespace slipway
