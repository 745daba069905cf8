#include "backends/cpu/kernels/quantized/requantize.h"

namespace slipway::cpu {
namespace {

Requantizer WithClamp(int64_t y_zero, int64_t low, int64_t high) {
  // Wider than any accumulator can tell apart from the results' range.
  constexpr int64_t kFar = int64_t{1} << 30;
  Requantizer result;
  result.low = static_cast<int32_t>(std::clamp(low, -kFar, kFar) - y_zero);
  result.high = static_cast<int32_t>(std::clamp(high, -kFar, kFar) - y_zero);
  result.zero_point = static_cast<int32_t>(y_zero);
  return result;
}

}  // namespace

Requantizer Requantizer::Of(std::span<const FixedMultiplier> multipliers, int64_t y_zero, int64_t low,
                            int64_t high) {
  Requantizer result = WithClamp(y_zero, low, high);
  const auto padded =
      static_cast<size_t>(QuantPanelsOf(static_cast<int64_t>(multipliers.size())) * kQuantPanel);
  result.multiplier.assign(padded, 0);
  result.left.assign(padded, 0);
  result.shift.assign(padded, 0);
  result.carry.assign(padded, 1);
  for (size_t i = 0; i < multipliers.size(); ++i) {
    const FixedMultiplier m = multipliers[i];
    const int right = std::max(-m.shift, 0);
    result.multiplier[i] = m.multiplier;
    result.left[i] = std::max(m.shift, 0);
    result.shift[i] = std::max(right - 1, 0);
    result.carry[i] = std::min(right, 1);
    result.is_plain &= m.shift < 0;
  }
  return result;
}

Requantizer Requantizer::OfReals(std::span<const double> scales, int64_t y_zero, int64_t low, int64_t high) {
  Requantizer result = WithClamp(y_zero, low, high);
  result.real.assign(scales.begin(), scales.end());
  const auto padded = static_cast<size_t>(QuantPanelsOf(static_cast<int64_t>(scales.size())) * kQuantPanel);
  result.real.resize(padded, 0);
  return result;
}

}  // namespace slipway::cpu
