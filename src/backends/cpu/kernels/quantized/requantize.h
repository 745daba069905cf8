// From 32-bit accumulators to 8-bit results, channel by channel, to the bit as base/fixed_point.h says.
//
// Idea: the doubling high multiply is floor((x * m + 2^30) / 2^31) for m >= 0, and the rounding shift, half
// away from zero, is a shift by one less, plus 1, shifted once more, after 1 was taken from negative numbers:
// neither overflows 32 bits. Source: gemmlowp's fixed-point rules.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/fixed_point.h"

namespace slipway::cpu {

// Channels that one panel of packed weights serves; tables are filled up to multiples of it.
inline constexpr int64_t kQuantPanel = 16;
inline int64_t QuantPanelsOf(int64_t channels) { return (channels + kQuantPanel - 1) / kQuantPanel; }

struct Requantizer {
  // One per channel: x << left, times multiplier, >> shift, >> carry (0 or 1).
  std::vector<int32_t> multiplier, left, shift, carry;
  bool is_plain = true;  // left is 0 and carry 1 everywhere
  // Not empty: multiply in double and round once, half away from zero, instead.
  std::vector<double> real;
  // The clamp, less the zero point, which is added after it.
  int32_t low = 0, high = 0;
  int32_t zero_point = 0;

  // y = clamp(x + y_zero, low, high). REQUIRES: multipliers are not negative.
  static Requantizer Of(std::span<const FixedMultiplier> multipliers, int64_t y_zero, int64_t low,
                        int64_t high);
  static Requantizer OfReals(std::span<const double> scales, int64_t y_zero, int64_t low, int64_t high);
};

}  // namespace slipway::cpu
