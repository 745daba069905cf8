// Division of quantised integers: a reciprocal by Newton's iteration in fixed point, then two roundings.
#include <bit>

#include "ops/math/quantized.h"
#include "ops/math/quantized_parts.h"

namespace slipway {
namespace {

constexpr int32_t kMax = std::numeric_limits<int32_t>::max();

int32_t ShiftLeftSaturating(int32_t x, int bits) {
  return static_cast<int32_t>(
      std::clamp<int64_t>(int64_t{x} * (int64_t{1} << bits), -int64_t{kMax} - 1, kMax));
}

// 1 / (1 + a), both fractions of 2^31, a in [0, 1).
int32_t OneOverOnePlus(int32_t a) {
  const auto multiply = SaturatingRoundingDoublingHighMul;
  const auto half_denominator = static_cast<int32_t>((int64_t{a} + kMax + 1) / 2);
  // Numbers with two integer bits: 48/17 and -32/17 are the best linear start on [0.5, 1].
  constexpr int32_t k48Over17 = 1515870810;
  constexpr int32_t kMinus32Over17 = -1010580540;
  constexpr int32_t kOne = 1 << 29;
  int32_t x = k48Over17 + multiply(half_denominator, kMinus32Over17);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = kOne - multiply(half_denominator, x);
    x += ShiftLeftSaturating(multiply(x, error), 2);
  }
  return ShiftLeftSaturating(x, 1);
}

int LeadingSignBits(int32_t x) {
  if (x >= 0) return std::countl_zero(static_cast<uint32_t>(x)) - 1;
  return x == -kMax - 1 ? 0 : std::countl_zero(2 * static_cast<uint32_t>(-x) - 1);
}

// a / b scaled by m; b > 0.
int64_t Divide(int32_t a, int32_t b, FixedMultiplier m) {
  const int zeros = std::countl_zero(static_cast<uint32_t>(b));
  const auto fraction = static_cast<int32_t>((static_cast<uint32_t>(b) << zeros) - (1U << 31));
  const int32_t reciprocal = OneOverOnePlus(fraction);
  const int headroom = LeadingSignBits(a);
  const int32_t quotient = SaturatingRoundingDoublingHighMul(
      static_cast<int32_t>(static_cast<uint32_t>(a) << headroom), reciprocal);
  const int shift = m.shift - (31 - zeros) - headroom;
  const int32_t scaled = SaturatingRoundingDoublingHighMul(quotient, m.multiplier);
  if (shift > 0) return int64_t{scaled} << std::min(shift, 31);
  return RoundingDivideByPowerOfTwo(scaled, std::min(-shift, 31));
}

}  // namespace

Status RunQuantizedDiv(RunContext& context) {
  return OfTwoQuantized(context, [](const Scales& s) {
    const FixedMultiplier m = QuantizeMultiplier(static_cast<double>(s.a / (s.b * s.out)));
    return [=](int32_t a, int32_t b) -> int64_t {
      // x / 0 has no meaning here: the end of the range on x's side.
      if (b == 0) return a == 0 ? 0 : a > 0 ? kMax : -int64_t{kMax};
      return b < 0 ? Divide(-a, -b, m) : Divide(a, b, m);
    };
  });
}

}  // namespace slipway
