#include "ops/reduce/quantized.h"

#include <algorithm>
#include <cmath>

#include "base/fixed_point.h"
#include "base/scalar.h"
#include "ops/math/quantized.h"
#include "ops/reduce/reduce.h"

namespace slipway {
namespace {

// Stores requantise(sum of the slice, elements of the slice) for each slice, clamped to the output's dtype.
template <class F>
Status ReduceSums(RunContext& context, const F& requantise) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<bool> is_reduced, ReducedAxes(context));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Slices slices = SlicesAlong(x.dims(), is_reduced);
  const auto count = static_cast<int64_t>(slices.offsets.size());
  if (count == 0) return context.Error("cannot reduce an empty slice of quantised integers");
  for (size_t s = 0; s < slices.starts.size(); ++s) {
    int64_t sum = 0;
    for (int64_t offset : slices.offsets) sum += LoadInt(x.dtype(), x.data(), slices.starts[s] + offset);
    const int64_t value = requantise(sum, count);
    StoreInt(y.dtype(), y.data(), static_cast<int64_t>(s),
             std::clamp(value, MinOfInteger(y.dtype()), MaxOfInteger(y.dtype())));
  }
  return Status::Ok();
}

}  // namespace

Status RunQuantizedMean(RunContext& context) {
  const Quant& in = *context.in_quant(0);
  const Quant& out = *context.out_quant(0);
  const FixedMultiplier ratio =
      QuantizeMultiplier(static_cast<double>(in.scales[0]) / static_cast<double>(out.scales[0]));
  return ReduceSums(context, [&](int64_t sum, int64_t count) {
    // The division by `count` goes into the multiplier, as far left as the shift allows.
    int shift = 63 - __builtin_clzll(static_cast<uint64_t>(count));
    shift = std::min({shift, 32, 31 + ratio.shift});
    const FixedMultiplier m = {static_cast<int32_t>((int64_t{ratio.multiplier} << shift) / count),
                               ratio.shift - shift};
    const auto centred = static_cast<int32_t>(sum - count * in.zero_points[0]);
    return int64_t{MultiplyByQuantizedMultiplier(centred, m)} + out.zero_points[0];
  });
}

Status RunQuantizedReduceSum(RunContext& context) {
  const Quant& in = *context.in_quant(0);
  const Quant& out = *context.out_quant(0);
  const float scale = in.scales[0] / out.scales[0];
  return ReduceSums(context, [&](int64_t sum, int64_t count) {
    const float bias = static_cast<float>(-in.zero_points[0]) * scale * static_cast<float>(count);
    return static_cast<int64_t>(std::round(static_cast<float>(sum) * scale + bias)) + out.zero_points[0];
  });
}

// The product is scaled after each factor, and once more at the end, so that it stays small.
Status RunQuantizedProd(RunContext& context) {
  constexpr int kMaxShift = 7;  // of LiteRT's multiplication
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<bool> is_reduced, ReducedAxes(context));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Quant& in = *context.in_quant(0);
  const Quant& out = *context.out_quant(0);
  const Slices slices = SlicesAlong(x.dims(), is_reduced);
  if (slices.offsets.empty()) return context.Error("cannot reduce an empty slice of quantised integers");
  const double root =
      std::pow(static_cast<double>(out.scales[0]), 1.0 / static_cast<double>(slices.offsets.size()));
  const FixedMultiplier step = QuantizeMultiplier(static_cast<double>(in.scales[0]) / root);
  if (step.shift > kMaxShift)
    return context.Error("scale " + std::to_string(in.scales[0]) + " is too great for products on scale " +
                         std::to_string(out.scales[0]));
  const auto factor = [&](int64_t i) { return LoadInt(x.dtype(), x.data(), i) - in.zero_points[0]; };
  for (size_t s = 0; s < slices.starts.size(); ++s) {
    int64_t product = factor(slices.starts[s] + slices.offsets[0]);
    for (size_t i = 1; i < slices.offsets.size(); ++i)
      product = MultiplyByQuantizedMultiplier64(product * factor(slices.starts[s] + slices.offsets[i]), step);
    const int64_t value = int64_t{MultiplyByQuantizedMultiplier64(product, step)} + out.zero_points[0];
    StoreInt(y.dtype(), y.data(), static_cast<int64_t>(s),
             std::clamp(value, MinOfInteger(y.dtype()), MaxOfInteger(y.dtype())));
  }
  return Status::Ok();
}

}  // namespace slipway
