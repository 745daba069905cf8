// Layers that no function reads: as nodes for plugins.
#include "formats/caffe/foreign_layer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/caffe/import.h"
#include "ops/dynamic_ops.h"

namespace slipway::caffe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kNet =
    "input: 'x' input_shape { dim: 1 dim: 2 dim: 3 dim: 3 }"
    "layer { name: 's' type: 'Swizzle' bottom: 'x' top: 'y' param { lr_mult: 1 } include { phase: TEST }"
    "  swizzle_param { factor: 2.5 order: 1 order: 0 mode: FAST inner { depth: 3 } } }";

Result<ImportedModel> Import(const ImportOptions& options, const Weights& weights = {}) {
  const auto net = ReadNet(kNet);
  if (!net.ok()) return net.status();
  return ImportNet(*net, weights, options);
}

TEST(CaffeForeignLayer, HasItsParametersAsAttributes) {
  const auto net = ReadNet(kNet);
  ASSERT_TRUE(net.ok()) << net.status().ToString();
  const ForeignNode node = ForeignLayer(net->layers[0]);
  EXPECT_EQ(node.op, "Swizzle");
  EXPECT_EQ(node.name, "s");
  EXPECT_EQ(node.attrs.String("factor"), "2.5");
  EXPECT_THAT(node.attrs.StringList("order"), ElementsAre("1", "0"));
  EXPECT_EQ(node.attrs.String("mode"), "FAST");
  EXPECT_EQ(node.attrs.String("inner.depth"), "3");
  EXPECT_FALSE(node.attrs.Has("lr_mult"));
  EXPECT_FALSE(node.attrs.Has("phase"));
}

TEST(CaffeForeignLayer, IsRefusedKeptOrClaimed) {
  EXPECT_THAT(Import({}).status().message(), HasSubstr("'s': Swizzle on (f32[1,2,3,3])"));

  const Weights weights = {{"s", {Tensor(DType::kF32, {4})}}};
  const auto kept = Import({.allow_custom = true}, weights);
  ASSERT_TRUE(kept.ok()) << kept.status().ToString();
  const Node& node = kept->graph.nodes[0];
  EXPECT_EQ(node.op, "custom:caffe::Swizzle:1");
  EXPECT_EQ(node.inputs.size(), 2U);
  EXPECT_TRUE(kept->graph.value(node.inputs[1]).IsConstant());
  EXPECT_EQ(kept->graph.value(kept->graph.outputs[0]).name, "y");

  OpDef record = *FindOp("Identity");
  record.name = "test.Swizzle@1";
  record.inputs.push_back({"blob", kFloats, "weights"});
  record.foreign = {{Format::kCaffe, "Swizzle"}};
  ASSERT_TRUE(AddDynamicOps("a test", {record}).ok());
  const auto claimed = Import({}, weights);
  ASSERT_TRUE(claimed.ok()) << claimed.status().ToString();
  EXPECT_EQ(claimed->graph.nodes[0].op, "test.Swizzle@1");
  EXPECT_EQ(ToString(claimed->graph.value(claimed->graph.outputs[0]).type), "f32[1,2,3,3]");
}

}  // namespace
}  // namespace slipway::caffe
