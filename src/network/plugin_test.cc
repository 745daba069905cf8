// Plugins in networks written as code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/graph.h"
#include "slipway/network_builder.h"
#include "slipway/plugin_library.h"

namespace slipway {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// [low, high] of x clipped: two outputs.
class Bounds : public Plugin {
 public:
  plugin::Description Describe() const override {
    return {.name = "test.Bounds",
            .summary = "The least and the greatest element.",
            .inputs = {{.name = "x", .dtypes = {DType::kF32}}},
            .outputs = {{.name = "low", .dtypes = {DType::kF32}}, {.name = "high", .dtypes = {DType::kF32}}},
            .attrs = {plugin::IntAttr("axis", 0)}};
  }
  void Infer(plugin::InferCall& call) const override {
    if (call.input(0).HasRank() && call.node().Int("axis") >= call.input(0).rank())
      throw plugin::Error("axis is too large");
    for (size_t i = 0; i < 2; ++i) call.SetOutput(i, DType::kF32, {});
  }
  std::string Save(const plugin::Node&) const override { return "kept"; }
  std::unique_ptr<PluginKernel> Create(const plugin::Node&) const override { return nullptr; }
};

TEST(NetworkPlugin, IsAddedAsALayer) {
  static const bool is_there = RegisterPlugin(std::make_unique<Bounds>()).ok();
  ASSERT_TRUE(is_there);
  NetworkBuilder net("bounds");
  const NetTensor x = net.Input("x", DType::kF32, {"N", 3});
  const auto bounds = net.AddPlugin("test.Bounds", {x}, {{"axis", int64_t{1}}}, 2);
  net.MarkOutput(net.ElementWise(bounds[1], bounds[0], ElementWiseOperation::kSub), "range");
  const auto graph = net.Finish();
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ((*graph)->nodes[0].op, "test.Bounds@1");
  EXPECT_EQ((*graph)->nodes[0].name, "test.Bounds_1");
  EXPECT_EQ((*graph)->nodes[0].attrs.TensorOf("plugin.state")->count(), 4);
}

TEST(NetworkPlugin, MistakesHaveTheirLine) {
  static const bool is_there = RegisterPlugin(std::make_unique<Bounds>(), "again").ok();
  (void)is_there;
  NetworkBuilder net("bounds");
  net.AddPlugin("test.Bound", {net.Input("x", DType::kF32, {2})});
  EXPECT_THAT(net.status().message(), HasSubstr("plugin_test.cc:"));
  EXPECT_THAT(net.status().message(),
              EndsWith("no plugin is called 'test.Bound' (did you mean 'test.Bounds'?)"));
  NetworkBuilder other("bounds");
  other.AddPlugin("test.Bounds", {other.Input("x", DType::kF32, {2})}, {{"axis", int64_t{4}}});
  EXPECT_THAT(other.status().message(), EndsWith("test.Bounds@1 'test.Bounds_1': axis is too large"));
}

}  // namespace
}  // namespace slipway
