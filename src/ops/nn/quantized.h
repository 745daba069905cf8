// Steps that TFLite's integer kernels share. Source: the TFLite 8-bit quantisation specification.
#pragma once

#include <vector>

#include "base/fixed_point.h"
#include "ops/activation.h"
#include "ops/run.h"

namespace slipway {

// Any integer tensor as 32-bit numbers.
std::vector<int32_t> Integers(const Tensor& tensor);
std::vector<int64_t> LongIntegers(const Tensor& tensor);

// Scale or zero point of slice `i`: the only one if there is one per tensor.
inline float ScaleOf(const Quant& quant, int64_t i = 0) {
  return quant.scales[quant.scales.size() == 1 ? 0 : static_cast<size_t>(i)];
}
inline int64_t ZeroPointOf(const Quant& quant, int64_t i = 0) {
  if (quant.zero_points.empty()) return 0;
  return quant.zero_points[quant.zero_points.size() == 1 ? 0 : static_cast<size_t>(i)];
}

// An error unless input i (or output 0) carries quantisation with 1 or `slices` scales.
Status RequireQuant(const RunContext& context, const Quant* quant, const char* what, int64_t slices = 1);

// Multipliers s_x * s_w[i] / s_y for the `count` output channels. u8 multiplies the input scales in f32
// first, as the legacy kernels do.
enum class ScaleProduct { kInDouble, kInFloat };
std::vector<FixedMultiplier> OutputMultipliers(const Quant& x, const Quant& w, const Quant& y, int64_t count,
                                               ScaleProduct product);

// multiplier * x + zero point, clamped. 32-bit accumulators round twice, 64-bit ones once (fixed_point.h).
inline int64_t Requantize(int64_t acc, FixedMultiplier multiplier, int64_t zero_point, ClampRange clamp) {
  const int64_t scaled = MultiplyByQuantizedMultiplier(static_cast<int32_t>(acc), multiplier) + zero_point;
  return std::min(std::max(scaled, clamp.low), clamp.high);
}
inline int64_t RequantizeLong(int64_t acc, FixedMultiplier multiplier, int64_t zero_point, ClampRange clamp) {
  const int64_t scaled = MultiplyByQuantizedMultiplier64(acc, multiplier) + zero_point;
  return std::min(std::max(scaled, clamp.low), clamp.high);
}

// A row of floats as int8, for dynamic-range kernels: real = scale * (q - zero_point).
struct QuantizedRow {
  std::vector<int8_t> values;
  float scale = 1;
  int32_t zero_point = 0;
};
// Range [min(0, lowest), max(0, highest)] onto [-128, 127].
QuantizedRow QuantizeAsymmetric(std::span<const float> values);
// Range [-absmax, absmax] onto [-127, 127].
QuantizedRow QuantizeSymmetric(std::span<const float> values);

}  // namespace slipway
