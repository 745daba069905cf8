#include "ops/nn/quantized.h"

#include <algorithm>
#include <cmath>

#include "base/scalar.h"

namespace slipway {

std::vector<int32_t> Integers(const Tensor& tensor) {
  std::vector<int32_t> values(static_cast<size_t>(tensor.count()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<int32_t>(LoadInt(tensor.dtype(), tensor.data(), static_cast<int64_t>(i)));
  }
  return values;
}

std::vector<int64_t> LongIntegers(const Tensor& tensor) {
  std::vector<int64_t> values(static_cast<size_t>(tensor.count()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = LoadInt(tensor.dtype(), tensor.data(), static_cast<int64_t>(i));
  }
  return values;
}

Status RequireQuant(const RunContext& context, const Quant* quant, const char* what, int64_t slices) {
  if (quant == nullptr || quant->scales.empty()) {
    return context.Error(std::string(what) + " holds integers without scale and zero point",
                         "quantised operators need the quantisation of every operand");
  }
  const auto scales = static_cast<int64_t>(quant->scales.size());
  const auto zeros = static_cast<int64_t>(quant->zero_points.size());
  const bool is_fitting = (scales == 1 || scales == slices) && (zeros <= 1 || zeros == scales);
  if (is_fitting) return Status::Ok();
  return context.Error(std::string(what) + " has " + std::to_string(scales) + " scales and " +
                       std::to_string(zeros) + " zero points, needs 1 or " + std::to_string(slices));
}

std::vector<FixedMultiplier> OutputMultipliers(const Quant& x, const Quant& w, const Quant& y, int64_t count,
                                               ScaleProduct product) {
  std::vector<FixedMultiplier> multipliers;
  for (int64_t i = 0; i < count; ++i) {
    const float x_scale = ScaleOf(x);
    const float w_scale = ScaleOf(w, i);
    const double both = product == ScaleProduct::kInFloat ? static_cast<double>(x_scale * w_scale)
                                                          : static_cast<double>(x_scale) * w_scale;
    multipliers.push_back(QuantizeMultiplier(both / ScaleOf(y)));
  }
  return multipliers;
}

QuantizedRow QuantizeSymmetric(std::span<const float> values) {
  QuantizedRow row;
  row.values.assign(values.size(), 0);
  float range = 0;
  for (float value : values) range = std::max(range, std::abs(value));
  if (range == 0) return row;
  row.scale = range / 127;
  const float inverse = 127.0F / range;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto q = static_cast<int32_t>(std::round(values[i] * inverse));
    row.values[i] = static_cast<int8_t>(std::clamp(q, -127, 127));
  }
  return row;
}

QuantizedRow QuantizeAsymmetric(std::span<const float> values) {
  constexpr double kLow = -128;
  constexpr double kHigh = 127;
  QuantizedRow row;
  row.values.assign(values.size(), 0);
  float low = 0;
  float high = 0;
  for (float value : values) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (low == high) return row;
  const double scale =
      static_cast<double>(high - low) / (kHigh - kLow);  // LiteRT takes the difference in f32
  const double zero_from_low = kLow - low / scale;
  const double zero_from_high = kHigh - high / scale;
  const double error_low = std::abs(kLow) + std::abs(low / scale);
  const double error_high = std::abs(kHigh) + std::abs(high / scale);
  const double zero = error_low < error_high ? zero_from_low : zero_from_high;
  row.zero_point = static_cast<int8_t>(std::round(std::clamp(zero, kLow, kHigh)));
  row.scale = static_cast<float>(scale);
  const float inverse = 1.0F / row.scale;
  // LiteRT rounds before it adds the zero point in its vectors of four, and after it in what is left over:
  // ties fall differently.
  const size_t in_vectors = values.size() & ~size_t{3};
  for (size_t i = 0; i < values.size(); ++i) {
    const float scaled = values[i] * inverse;
    const auto zero_point = static_cast<float>(row.zero_point);
    const auto q = static_cast<int32_t>(i < in_vectors ? std::round(scaled) + zero_point
                                                       : std::round(zero_point + scaled));
    row.values[i] = static_cast<int8_t>(std::clamp(q, -128, 127));
  }
  return row;
}

}  // namespace slipway
