// The fuzzer itself: wrong answers are told from rounding, and findings become small.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph_check.h"
#include "ir/text.h"
#include "ops/verify.h"

namespace slipway::fuzz {
namespace {

using testing::HasSubstr;

Sample Parsed(std::string_view text, const std::vector<float>& x) {
  Sample sample;
  auto graph = ParseGraph(text);
  EXPECT_TRUE(graph.ok()) << graph.status().ToString();
  if (!graph.ok()) return sample;
  sample.graph = std::move(*graph);
  EXPECT_TRUE(VerifyGraph(sample.graph).ok());
  sample.inputs = {Datum::Of(Tensor::From<float>(DType::kF32, {static_cast<int64_t>(x.size())}, x))};
  return sample;
}

// The difference of an answer whose first number is `got`.
std::optional<std::string> DifferenceOf(const Sample& sample, double got) {
  const auto want = Wanted(sample);
  EXPECT_TRUE(want.ok());
  std::vector<Datum> answer = *want;
  answer[0].tensor = answer[0].tensor.Clone();
  answer[0].tensor.as<float>()[0] = static_cast<float>(got);
  return Difference(sample, *want, Result<std::vector<Datum>>(answer));
}

TEST(Difference, TellsAWrongNumberFromARounding) {
  const Sample sample = Parsed(R"(graph "g" {
    input "x": f32[2]
    node Exp "exp" ["x"] -> ["y": f32[2]]
    output "y"
  })",
                               {1.5F, 0.25F});
  EXPECT_EQ(DifferenceOf(sample, 4.4816891), std::nullopt);
  EXPECT_THAT(DifferenceOf(sample, 4.4830),
              testing::Optional(HasSubstr("output 0, element 0 of f32[2]: 4.4829998, not 4.48168898")));
}

TEST(Difference, GrowsWithWhatCancels) {
  // 1000.1 - 1000: an f32 has four digits left of it.
  const Sample sample = Parsed(R"(graph "g" {
    input "x": f32[1]
    const "c": f32[1] = [1000.0001]
    node Sub "sub" ["x", "c"] -> ["y": f32[1]]
    output "y"
  })",
                               {1000.1F});
  const double want = 1000.1F - 1000.0001F;
  EXPECT_EQ(DifferenceOf(sample, want + 1e-3), std::nullopt);
  EXPECT_NE(DifferenceOf(sample, want + 1e-1), std::nullopt);
}

TEST(Difference, IsFoundInIntegersThatNoRoundingExplains) {
  const Sample sample = Parsed(R"(graph "g" {
    input "x": f32[1]
    node Cast "cast" ["x"] -> ["y": i32[1]] {"to" = dtype i32}
    output "y"
  })",
                               {2.5F});
  const auto want = Wanted(sample);
  std::vector<Datum> answer = *want;
  answer[0].tensor = answer[0].tensor.Clone();
  answer[0].tensor.as<int32_t>()[0] = 3;
  EXPECT_THAT(Difference(sample, *want, Result<std::vector<Datum>>(answer)),
              testing::Optional(HasSubstr("3, not 2")));
}

TEST(Shrink, KeepsTheNodeThatMatters) {
  const Sample sample = Parsed(R"(graph "g" {
    input "x": f32["N"]
    node Exp "exp" ["x"] -> ["a": f32[*]]
    node Neg "neg" ["a"] -> ["b": f32[*]]
    node Floor "floor" ["b"] -> ["c": f32[*]]
    node Abs "abs" ["c"] -> ["d": f32[*]]
    node Add "add" ["d", "x"] -> ["e": f32[*]]
    output "e"
    output "b"
  })",
                               {1.5F, 0.25F});
  const Sample small = Shrink(sample, [](const Sample& each) {
    return std::any_of(each.graph.nodes.begin(), each.graph.nodes.end(),
                       [](const Node& node) { return node.op == "Floor"; });
  });
  ASSERT_EQ(small.graph.nodes.size(), 1U);
  EXPECT_EQ(small.graph.nodes[0].op, "Floor");
  EXPECT_TRUE(small.graph.value(small.graph.inputs[0]).type.IsStatic());
  EXPECT_EQ(small.inputs.size(), 1U);
}

TEST(Generate, GivesTheSameGraphForTheSameSeed) {
  GeneratorOptions options;
  for (const Source& source : AllSources()) options.sources.push_back(&source);
  EXPECT_GT(options.sources.size(), 900U);
  for (const uint64_t seed : {1, 2, 3}) {
    const Sample sample = Generate(seed, options);
    EXPECT_EQ(PrintGraph(sample.graph), PrintGraph(Generate(seed, options).graph));
    EXPECT_TRUE(Wanted(sample).ok());
  }
}

}  // namespace
}  // namespace slipway::fuzz
