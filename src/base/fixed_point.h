// Fixed-point arithmetic of the TFLite specification: a real multiplier as a 31-bit integer and a shift.
//
// Source: the TensorFlow Lite 8-bit quantisation specification and gemmlowp's fixed-point rules (double
// rounding: a saturating doubling high multiply rounded to nearest, then a rounding right shift, half away
// from zero).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace slipway {

// real = multiplier * 2^(shift - 31)
struct FixedMultiplier {
  int32_t multiplier = 0;
  int shift = 0;  // > 0: left
};

inline FixedMultiplier QuantizeMultiplier(double real) {
  if (real == 0) return {};
  int shift = 0;
  const double fraction = std::frexp(real, &shift);
  auto fixed = static_cast<int64_t>(std::round(fraction * (int64_t{1} << 31)));
  if (fixed == (int64_t{1} << 31)) {
    fixed /= 2;
    ++shift;
  }
  if (shift < -31) return {};
  if (shift > 30) return {std::numeric_limits<int32_t>::max(), 30};
  return {static_cast<int32_t>(fixed), shift};
}

// High 32 bits of 2 * a * b, rounded to nearest; INT32_MIN squared saturates.
inline int32_t SaturatingRoundingDoublingHighMul(int32_t a, int32_t b) {
  if (a == b && a == std::numeric_limits<int32_t>::min()) return std::numeric_limits<int32_t>::max();
  const int64_t product = static_cast<int64_t>(a) * b;
  const int64_t nudge = product >= 0 ? (1 << 30) : (1 - (1 << 30));
  return static_cast<int32_t>((product + nudge) / (int64_t{1} << 31));
}

// x / 2^exponent, rounded half away from zero. 0 <= exponent <= 31.
inline int32_t RoundingDivideByPowerOfTwo(int32_t x, int exponent) {
  const auto mask = static_cast<int32_t>((int64_t{1} << exponent) - 1);
  const int32_t remainder = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

inline int32_t MultiplyByQuantizedMultiplier(int32_t x, FixedMultiplier m) {
  const int left = std::max(m.shift, 0);
  const int right = std::max(-m.shift, 0);
  const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(x) << left);
  return RoundingDivideByPowerOfTwo(SaturatingRoundingDoublingHighMul(shifted, m.multiplier), right);
}

// For 64-bit accumulators (16-bit activations): the multiplier is cut to 16 bits and rounded once. |x| <
// 2^47.
inline int32_t MultiplyByQuantizedMultiplier64(int64_t x, FixedMultiplier m) {
  const int32_t reduced = m.multiplier < 0x7FFF0000 ? (m.multiplier + (1 << 15)) >> 16 : 0x7FFF;
  const int total_shift = 15 - m.shift;
  const int64_t rounded = x * static_cast<int64_t>(reduced) + (int64_t{1} << (total_shift - 1));
  return static_cast<int32_t>(rounded >> total_shift);
}

}  // namespace slipway
