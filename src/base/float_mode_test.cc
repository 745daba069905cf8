#include "base/float_mode.h"

#include <gtest/gtest.h>

#include <bit>

namespace slipway {
namespace {

// Volatile, so that the processor does the arithmetic; bits, since a comparison flushes its operands too.
uint32_t ProductBits(float a, float b) {
  volatile float x = a;
  volatile float y = b;
  volatile float product = x * y;
  return std::bit_cast<uint32_t>(static_cast<float>(product));
}

constexpr float kLeastNormal = 0x1p-126F;
constexpr float kDenormal = 0x1p-130F;
constexpr uint32_t kHalfOfLeastNormal = 0x00400000;
constexpr uint32_t kMinusZero = 0x80000000;

TEST(FloatMode, FlushesResultsAndOperandsWhileItLives) {
#if !defined(__x86_64__) && !defined(__aarch64__) && !defined(__arm__)
  GTEST_SKIP() << "no control word is known for this processor";
#endif
  const uint64_t before = FloatMode();
  EXPECT_EQ(ProductBits(kLeastNormal, 0.5F), kHalfOfLeastNormal);
  EXPECT_EQ(ProductBits(kDenormal, 0x1p30F), std::bit_cast<uint32_t>(0x1p-100F));
  {
    const FlushDenormals flush;
    EXPECT_NE(FloatMode(), before);
    EXPECT_EQ(ProductBits(kLeastNormal, 0.5F), 0U);
    EXPECT_EQ(ProductBits(kLeastNormal, -0.5F), kMinusZero);
    EXPECT_EQ(ProductBits(kDenormal, 0x1p30F), 0U);
    EXPECT_EQ(ProductBits(kLeastNormal, 2.0F), std::bit_cast<uint32_t>(0x1p-125F));
  }
  EXPECT_EQ(FloatMode(), before);
  EXPECT_EQ(ProductBits(kLeastNormal, 0.5F), kHalfOfLeastNormal);
}

}  // namespace
}  // namespace slipway
