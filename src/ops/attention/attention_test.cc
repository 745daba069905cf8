// Hand-checked numbers of the attention operators.
#include "ops/testing.h"

namespace slipway {
namespace {

using std::string;

TestValue F32(Dims dims, std::vector<double> values) {
  return {DType::kF32, std::move(dims), std::move(values)};
}

// With this scale a match outweighs a miss three to one.
constexpr float kLn3 = 1.0986123F;
const TestValue kQueries = F32({1, 1, 2, 2}, {1, 0, 0, 1});
const TestValue kKeys = F32({1, 1, 2, 2}, {1, 0, 0, 1});
const TestValue kValues = F32({1, 1, 2, 1}, {1, 3});
const TestValue kAbsent{.is_absent = true};

TEST(AttentionTest, WeighsValuesBySimilarity) {
  EXPECT_EQ(RunAndShow("Attention", {kQueries, kKeys, kValues}, {{"scale", kLn3}}), "f32[1,1,2,1]: 1.5 2.5");
  EXPECT_EQ(RunAndShow("Attention", {kQueries, kKeys, kValues}, {{"scale", kLn3}, {"is_causal", int64_t{1}}}),
            "f32[1,1,2,1]: 1 2.5");
}

TEST(AttentionTest, AQueryThatSeesNothingGivesZeros) {
  const TestValue mask{DType::kBool, {2, 2}, {0, 0, 0, 1}};
  EXPECT_EQ(RunAndShow("Attention", {kQueries, kKeys, kValues, mask}), "f32[1,1,2,1]: 0 3");
}

TEST(AttentionTest, AShortMaskHidesTheRest) {
  EXPECT_EQ(RunAndShow("Attention", {kQueries, kKeys, kValues, F32({2, 1}, {0, 0})}), "f32[1,1,2,1]: 1 1");
}

TEST(AttentionTest, ThePastStandsBeforeTheKeys) {
  const auto results = RunOp(
      "Attention", {kQueries, kKeys, kValues, kAbsent, F32({1, 1, 1, 2}, {1, 0}), F32({1, 1, 1, 1}, {5})},
      {{"scale", kLn3}, {"is_causal", int64_t{1}}}, std::vector<std::optional<Quant>>(4));
  ASSERT_TRUE(results.ok()) << results.status().ToString();
  // Query 0 sees [1,0] twice: (5 + 1) / 2; query 1 misses both and meets the third: (5 + 1 + 3 * 3) / 5.
  EXPECT_EQ(Show((*results)[0].tensor), "f32[1,1,2,1]: 3 3");
  EXPECT_EQ(Show((*results)[1].tensor), "f32[1,1,3,2]: 1 0 1 0 0 1");
  EXPECT_EQ(Show((*results)[2].tensor), "f32[1,1,3,1]: 5 1 3");
}

TEST(AttentionTest, ThePastHasRankFour) {
  EXPECT_EQ(RunAndShow("Attention",
                       {kQueries, kKeys, kValues, kAbsent, F32({1, 1, 2}, {1, 0}), F32({1, 1, 1}, {5})}, {},
                       std::vector<std::optional<Quant>>(3)),
            "Attention 'node': past_key is f32[1,1,2]; it must have rank 4");
}

TEST(AttentionTest, TheDiagonalOfAnOutsideCacheEndsAtItsFilling) {
  const TestValue keys = F32({1, 1, 4, 1}, {0, 0, 0, 0});
  const TestValue values = F32({1, 1, 4, 1}, {1, 2, 6, 99});
  const TestValue queries = F32({1, 1, 2, 1}, {0, 0});
  const TestValue filled{DType::kI64, {1}, {3}};
  EXPECT_EQ(RunAndShow("Attention", {queries, keys, values, kAbsent, kAbsent, kAbsent, filled},
                       {{"is_causal", int64_t{1}}}),
            "f32[1,1,2,1]: 1.5 3");
  const TestValue beyond{DType::kI64, {1}, {5}};
  EXPECT_EQ(RunAndShow("Attention", {queries, keys, values, kAbsent, kAbsent, kAbsent, beyond}),
            "Attention 'node': kv_lengths has 5; there are 4 keys");
}

TEST(AttentionTest, ANarrowSoftmaxRoundsTheWeights) {
  // Three keys weigh 1/3 each: 0.33325195 as f16, 0.33398438 as bf16.
  const TestValue zeros = F32({1, 1, 3, 1}, {0, 0, 0});
  const auto run = [&](DType precision) {
    return RunAndShow("Attention", {F32({1, 1, 1, 1}, {0}), zeros, F32({1, 1, 3, 1}, {1, 0, 0})},
                      {{"softmax_precision", precision}});
  };
  EXPECT_EQ(run(DType::kF32), "f32[1,1,1,1]: 0.333333");
  EXPECT_EQ(run(DType::kF16), "f32[1,1,1,1]: 0.333252");
  EXPECT_EQ(run(DType::kBF16), "f32[1,1,1,1]: 0.333984");
}

TEST(AttentionTest, NamesBothSidesOfAMismatch) {
  EXPECT_EQ(RunAndShow("Attention", {F32({1, 3, 1, 2}, {}), F32({1, 2, 1, 2}, {}), F32({1, 2, 1, 2}, {})}),
            "Attention 'node': there are 3 query heads, no multiple of the 2 key heads");
  EXPECT_EQ(RunAndShow("Attention", {kQueries, kKeys, F32({1, 1, 3, 1}, {})}),
            "Attention 'node': the sequence length is 2 in one input and 3 in another");
  EXPECT_EQ(RunAndShow("Attention", {kQueries, kKeys, kValues, F32({3, 2}, {})}),
            "Attention 'node': mask [3,2] does not broadcast to the scores [1,1,2,2]");
}

TEST(FlexAttentionTest, WithoutSubGraphsIsAttention) {
  EXPECT_EQ(RunAndShow("FlexAttention", {kQueries, kKeys, kValues}, {{"scale", kLn3}}),
            "f32[1,1,2,1]: 1.5 2.5");
}

TEST(RotaryEmbeddingTest, TurnsPairsOfHalvesOrNeighbours) {
  const TestValue x = F32({1, 1, 1, 4}, {1, 2, 3, 4});
  const TestValue cosines = F32({2, 2}, {1, 1, 0, 0});
  const TestValue sines = F32({2, 2}, {0, 0, 1, 1});
  const TestValue second{DType::kI64, {1, 1}, {1}};
  EXPECT_EQ(RunAndShow("RotaryEmbedding", {x, cosines, sines, second}), "f32[1,1,1,4]: -3 -4 1 2");
  EXPECT_EQ(RunAndShow("RotaryEmbedding", {x, cosines, sines, second}, {{"interleaved", int64_t{1}}}),
            "f32[1,1,1,4]: -2 1 -4 3");
  const TestValue third{DType::kI64, {1, 1}, {2}};
  EXPECT_EQ(RunAndShow("RotaryEmbedding", {x, cosines, sines, third}),
            "RotaryEmbedding 'node': position 2 is outside the tables of 2 rows");
}

TEST(LinearAttentionTest, TheRuleSaysWhatTheStateKeeps) {
  const TestValue one = F32({1, 2, 1}, {1, 1});
  const TestValue values = F32({1, 2, 1}, {2, 3});
  const auto run = [&](const char* rule, const TestValue& decay, const TestValue& beta) {
    return RunAndShow(
        "LinearAttention", {one, one, values, kAbsent, decay, beta},
        {{"update_rule", string(rule)}, {"q_num_heads", int64_t{1}}, {"kv_num_heads", int64_t{1}}});
  };
  const TestValue half = F32({1, 2, 1}, {-0.69314718, -0.69314718});
  EXPECT_EQ(run("linear", kAbsent, kAbsent), "f32[1,2,1]: 2 5");
  EXPECT_EQ(run("gated", half, kAbsent), "f32[1,2,1]: 2 4");
  EXPECT_EQ(run("delta", kAbsent, one), "f32[1,2,1]: 2 3");
  EXPECT_EQ(run("gated_delta", half, F32({1, 2, 1}, {1, 0.5})), "f32[1,2,1]: 2 2");
  EXPECT_EQ(run("linear", half, kAbsent), "LinearAttention 'node': update_rule 'linear' takes no decay");
}

TEST(CausalConvWithStateTest, SeesThePastAndCarriesItOn) {
  const TestValue x = F32({1, 1, 3}, {1, 2, 3});
  const TestValue weight = F32({1, 1, 2}, {1, 10});
  EXPECT_EQ(RunAndShow("CausalConvWithState", {x, weight}), "f32[1,1,3]: 10 21 32");
  const auto results = RunOp("CausalConvWithState", {x, weight, F32({1}, {100}), F32({1, 1, 1}, {7})}, {},
                             std::vector<std::optional<Quant>>(2));
  ASSERT_TRUE(results.ok()) << results.status().ToString();
  EXPECT_EQ(Show((*results)[0].tensor), "f32[1,1,3]: 117 121 132");
  EXPECT_EQ(Show((*results)[1].tensor), "f32[1,1,1]: 3");
}

TEST(GroupQueryAttentionTest, SeesItsWindowOfTheCache) {
  const TestValue zero = F32({1, 1, 1}, {0});
  const TestValue past_keys = F32({1, 1, 3, 1}, {0, 0, 0});
  const TestValue past_values = F32({1, 1, 3, 1}, {90, 2, 4});
  const auto run = [&](double seqlen, int64_t window) {
    return RunAndShow(
        "GroupQueryAttention",
        {zero,
         zero,
         F32({1, 1, 1}, {6}),
         past_keys,
         past_values,
         {DType::kI32, {1}, {seqlen}},
         {DType::kI32, {}, {4}}},
        {{"num_heads", int64_t{1}}, {"kv_num_heads", int64_t{1}}, {"local_window_size", window}});
  };
  EXPECT_EQ(run(3, 3), "f32[1,1,1]: 4");
  EXPECT_EQ(run(3, 1), "f32[1,1,1]: 6");
  EXPECT_EQ(run(2, 2), "f32[1,1,1]: 4");  // only two are cached: 90 and 2, then the new 6
  EXPECT_EQ(run(4, 3),
            "GroupQueryAttention 'node': seqlens has 4; with 1 new and 3 cached tokens of at most 4 that is "
            "impossible");
}

}  // namespace
}  // namespace slipway
