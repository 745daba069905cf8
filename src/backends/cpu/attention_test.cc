// Attention with a cache of keys and values, and products of computed matrices, beside the reference.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/cpu/kernels/simd/targets.h"
#include "backends/cpu/test_targets.h"
#include "build/testing.h"
#include "hwy/highway.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20261129;

class ComputedProducts : public cpu::OnTarget {
 protected:
  static std::vector<std::string> Check(const char* op, const TestCase& test) {
    return CheckTactics(*FindBackend("cpu"), *FindOp(op), test, kSeed);
  }
};

TestInput Reals(Dims dims) { return {.dims = std::move(dims), .low = -1, .high = 1}; }

TEST_P(ComputedProducts, OfBatchesOfMatrices) {
  // Batches of both, of either, of one within the other's; rows and columns that fill no tile; vectors.
  const std::pair<Dims, Dims> shapes[] = {{{2, 3, 5, 7}, {2, 3, 7, 9}},
                                          {{3, 5, 7}, {2, 3, 7, 9}},
                                          {{2, 1, 5, 7}, {1, 3, 7, 17}},
                                          {{6, 130, 33}, {6, 33, 1}},
                                          {{1, 1, 1, 64}, {1, 1, 64, 40}},
                                          {{4, 13, 16}, {16, 32}},
                                          {{25, 70}, {70, 50}},
                                          {{5, 9}, {3, 9, 4}},
                                          {{2, 5, 0}, {2, 0, 3}},
                                          {{2, 0, 4}, {2, 4, 3}},
                                          {{7}, {2, 7, 3}},
                                          {{2, 3, 7}, {7}},
                                          {{1, 300, 20}, {1, 20, 31}}};
  for (const auto& [a, b] : shapes) {
    for (int transposes = 0; transposes < 4; ++transposes) {
      Dims left = a, right = b;
      const bool turns_a = (transposes & 1) != 0 && a.size() > 1;
      const bool turns_b = (transposes & 2) != 0 && b.size() > 1;
      if (turns_a) std::swap(left[left.size() - 1], left[left.size() - 2]);
      if (turns_b) std::swap(right[right.size() - 1], right[right.size() - 2]);
      const TestCase test{ToString(left) + ToString(right),
                          {Reals(left), Reals(right)},
                          {{"transpose_a", int64_t{turns_a}}, {"transpose_b", int64_t{turns_b}}}};
      EXPECT_THAT(Check("MatMul", test), testing::Contains("cpu/matmul_batched_f32")) << test.label;
    }
  }
}

TEST_P(ComputedProducts, OfAttentionBehindACache) {
  const TestInput absent{.is_absent = true};
  for (int64_t is_causal : {0, 1}) {
    for (const auto& [past, added] : {std::pair<int64_t, int64_t>{3, 1}, {0, 5}, {37, 14}}) {
      Attrs attrs = {{"is_causal", is_causal}};
      const TestCase apart{"apart",
                           {Reals({2, 4, added, 8}), Reals({2, 2, added, 8}), Reals({2, 2, added, 6}), absent,
                            Reals({2, 2, past, 8}), Reals({2, 2, past, 6})},
                           attrs,
                           3};
      EXPECT_THAT(Check("Attention", apart), testing::ElementsAre("cpu/attention_f32"));
      attrs.Set("q_num_heads", int64_t{4});
      attrs.Set("kv_num_heads", int64_t{2});
      const TestInput mask{
          .dtype = DType::kBool, .dims = {2, 1, added, past + added}, .low = 0, .high = 1.99};
      const TestCase packed{"packed",
                            {Reals({2, added, 32}), Reals({2, added, 16}), Reals({2, added, 12}), mask,
                             Reals({2, 2, past, 8}), Reals({2, 2, past, 6})},
                            attrs,
                            3};
      EXPECT_THAT(Check("Attention", packed), testing::ElementsAre("cpu/attention_f32"));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryTarget, ComputedProducts, ::testing::ValuesIn(cpu::TargetsToTest()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

}  // namespace
}  // namespace slipway
