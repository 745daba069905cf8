// Philox against the known answers of its authors, and numbers drawn from it.
#include "ops/random/philox.h"

#include <cmath>

#include "ops/testing.h"

namespace slipway {
namespace {

// Random123's kat_vectors, philox4x32 with 10 rounds.
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox::Block(0, {0, 0}), (philox::Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox::Block(~uint64_t{0}, {~uint64_t{0}, ~uint64_t{0}}),
            (philox::Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TestValue State(double counter) { return {DType::kU64, {3}, {0, counter, 0}}; }

// 0x6627e8d5's lower 23 bits over 2^23.
TEST(PhiloxUniform, TakesTheLowerBits) {
  const TestValue shape{DType::kI64, {1}, {2}};
  const auto result = RunOp("PhiloxUniform", {shape, State(0)}, {}, {std::nullopt, std::nullopt});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ((*result)[0].tensor.as<float>()[0], static_cast<float>(0x6627e8d5 & 0x7FFFFF) / 8388608);
  EXPECT_EQ(Show((*result)[1].tensor), "u64[3]: 0 1 0");
}

// One class has all the weight; a call passes 2 * 4 * 256 blocks over.
TEST(PhiloxMultinomial, DrawsTheOnlyClass) {
  const TestValue x{DType::kF32, {1, 3}, {-INFINITY, 5, -INFINITY}};
  const auto result =
      RunOp("PhiloxMultinomial", {x, {DType::kI32, {}, {3}}, State(7)}, {}, {std::nullopt, std::nullopt});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(Show((*result)[0].tensor), "i32[1,3]: 1 1 1");
  EXPECT_EQ(Show((*result)[1].tensor), "u64[3]: 0 2055 0");
}

}  // namespace
}  // namespace slipway
