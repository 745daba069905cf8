// Profiles of networks that ran.
#include "report/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/api/backend.h"
#include "ops/builder.h"

namespace slipway {
namespace {

// Two 3x3 convolutions of 64 channels, large enough for Winograd, and the halves of their sum.
Graph MakeGraph() {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {1, 32, 32, 64}));
  const ValueId weights = builder.Constant("w", Tensor(DType::kF32, {64, 3, 3, 64}));
  const Attrs attrs = {{"pads", Ints{1, 1, 1, 1}}, {"layout", std::string("channels_last")}};
  const ValueId first = *builder.Add("Conv", {x, weights}, attrs);
  graph.outputs = {*builder.Add("Relu", {*builder.Add("Conv", {first, weights}, attrs)})};
  return graph;
}

Result<Profile> ProfileOf(EngineOptions options, ProfileOptions profile_options = {}) {
  options.num_threads = 2;
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, Engine::Create(MakeGraph(), options));
  const auto context = engine->NewContext();
  const std::vector<Tensor> inputs = {Tensor(DType::kF32, {1, 32, 32, 64})};
  profile_options.runs = 3;
  return MeasureProfile(*engine, *context, inputs, profile_options);
}

constexpr double kConvFlops = 2.0 * 32 * 32 * 64 * 64 * 9;

TEST(MeasureProfile, CountsWhatStepsDo) {
  EngineOptions options;
  options.tactics = {"cpu/conv_f32", "ref/reference", ""};
  const auto profile = ProfileOf(options);
  ASSERT_TRUE(profile.ok()) << profile.status().message();
  ASSERT_EQ(profile->steps.size(), 3U);
  const StepProfile& conv = profile->steps[0];
  EXPECT_EQ(conv.tactic, "cpu/conv_f32");
  EXPECT_EQ(conv.shape, "f32[1,32,32,64]");
  EXPECT_EQ(conv.layout, "channels_last");
  EXPECT_EQ(conv.flops, kConvFlops);
  EXPECT_EQ(conv.bytes, 4.0 * (2 * 32 * 32 * 64 + 64 * 9 * 64));
  EXPECT_GT(conv.us, 0);
  EXPECT_EQ(profile->flops(), 2 * kConvFlops + 32 * 32 * 64);
  EXPECT_EQ(profile->runs, 3);
  EXPECT_EQ(profile->peak.num_threads, 2);
}

TEST(MeasureProfile, CountsTheProductsThatWinogradDoes) {
  EngineOptions options;
  options.tactics = {"cpu/winograd_f4x4_f32", "cpu/winograd_f6x6_f32", ""};
  const auto profile = ProfileOf(options);
  ASSERT_TRUE(profile.ok()) << profile.status().message();
  EXPECT_EQ(profile->steps[0].defined_flops, kConvFlops);
  EXPECT_EQ(profile->steps[0].flops, kConvFlops / 4) << "8x8 tiles of 36 products for 16 outputs";
  EXPECT_EQ(profile->steps[1].flops, 2.0 * 6 * 6 * 64 * 64 * 64)
      << "6x6 tiles of 64, the last ones half empty";
}

TEST(MeasureProfile, CountsBytesAsTheyAreStored) {
  if (FindBackend("cpu")->why_no_bf16) GTEST_SKIP() << *FindBackend("cpu")->why_no_bf16;
  EngineOptions options;
  options.precision = Precision::kBf16;
  options.tactics = {"cpu/conv_bf16", "cpu/conv_bf16", ""};
  const auto profile = ProfileOf(options);
  ASSERT_TRUE(profile.ok()) << profile.status().message();
  // Weights and the image between are bf16, the network's input is f32.
  EXPECT_EQ(profile->steps[0].bytes, 6.0 * 32 * 32 * 64 + 2.0 * 64 * 9 * 64);
}

TEST(MeasureProfile, TracesStepsAndThreads) {
  Tracer tracer(2);
  ProfileOptions options;
  options.tracer = &tracer;
  const auto profile = ProfileOf({}, options);
  ASSERT_TRUE(profile.ok()) << profile.status().message();
  EXPECT_EQ(tracer.steps().size(), 3U);
  const auto parts = tracer.parts();
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_FALSE(parts[0].empty());
  for (const auto& thread : parts) {
    for (const Tracer::Span& part : thread) {
      EXPECT_LT(part.step, 3U);
      EXPECT_LE(part.begin, part.end);
    }
  }
}

}  // namespace
}  // namespace slipway
