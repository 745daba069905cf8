#include "ops/nn/inverse_root.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace slipway {
namespace {

int32_t SaturatingShiftLeft(int32_t value, int bits) {
  const int64_t wide = static_cast<int64_t>(value) << bits;
  return static_cast<int32_t>(
      std::clamp<int64_t>(wide, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}

}  // namespace

FixedMultiplier InverseRoot(int32_t sum) {
  if (sum <= 1) return {std::numeric_limits<int32_t>::max(), 0};
  int shift = 11;
  while (sum >= (1 << 29)) {
    sum /= 4;
    ++shift;
  }
  const int pairs = (std::countl_zero(static_cast<uint32_t>(sum)) - 1) / 2 - 1;
  shift -= pairs;
  sum <<= 2 * pairs;
  const int32_t half = RoundingDivideByPowerOfTwo(sum >> 1, 1);  // Q3
  constexpr int32_t kHalfThree = (1 << 28) + (1 << 27);          // 1.5 in Q3
  int32_t x = 1 << 28;                                           // 1 in Q3
  const auto multiply = SaturatingRoundingDoublingHighMul;
  for (int i = 0; i < 5; ++i) {
    const int32_t cube = SaturatingShiftLeft(multiply(multiply(x, x), x), 6);    // Q9 to Q3
    x = SaturatingShiftLeft(multiply(kHalfThree, x) - multiply(half, cube), 3);  // Q6 to Q3
  }
  constexpr int32_t kHalfRootTwo = 1518500250;  // sqrt(2) / 2 in Q0
  x = multiply(x, kHalfRootTwo);
  if (shift < 0) {
    x <<= -shift;
    shift = 0;
  }
  return {x, -shift};
}

}  // namespace slipway
