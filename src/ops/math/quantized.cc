#include "ops/math/quantized.h"

#include <cmath>

#include "ops/math/elementwise.h"
#include "ops/math/quantized_parts.h"

namespace slipway {

bool IsQuantized(const RunContext& context) {
  return context.HasInput(0) && context.in_quant(0) != nullptr && context.out_quant(0) != nullptr &&
         kQuantized.Has(context.in(0).dtype());
}

Status CheckPerTensor(const RunContext& context, size_t num_inputs) {
  for (size_t i = 0; i < num_inputs; ++i) {
    const Quant* quant = context.in_quant(i);
    if (quant == nullptr || quant->scales.size() != 1) {
      return context.Error("input " + std::to_string(i) + " needs one scale and zero point");
    }
  }
  const Quant* out = context.out_quant(0);
  if (out == nullptr || out->scales.size() != 1)
    return context.Error("the output needs one scale and zero point");
  return Status::Ok();
}

Status RunQuantizedSum(RunContext& context, int sign) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 2));
  const Tensor& a = context.in(0);
  const Tensor& b = context.in(1);
  Tensor& c = context.out(0);
  const Scale sa = ScaleOf(*context.in_quant(0));
  const Scale sb = ScaleOf(*context.in_quant(1));
  const Scale sc = ScaleOf(*context.out_quant(0));
  // 20 bits of headroom for 8-bit operands, 15 for 16-bit ones: the specification's left shift.
  const int left_shift = a.dtype() == DType::kI16 ? 15 : 20;
  const double twice_max = 2 * static_cast<double>(std::max(sa.scale, sb.scale));
  const FixedMultiplier ma = QuantizeMultiplier(sa.scale / twice_max);
  const FixedMultiplier mb = QuantizeMultiplier(sb.scale / twice_max);
  const FixedMultiplier mc =
      QuantizeMultiplier(twice_max / ((1 << left_shift) * static_cast<double>(sc.scale)));
  const ClampRange range = QuantizedClamp(ActivationOf(context.attrs()), c.dtype(), *context.out_quant(0));
  const Dims shapes[] = {a.dims(), b.dims()};
  ForEachBroadcast(c.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    const auto qa = static_cast<int32_t>(LoadInt(a.dtype(), a.data(), at[0])) - sa.zero_point;
    const auto qb = static_cast<int32_t>(LoadInt(b.dtype(), b.data(), at[1])) - sb.zero_point;
    const int32_t scaled_a = MultiplyByQuantizedMultiplier(qa * (1 << left_shift), ma);
    const int32_t scaled_b = MultiplyByQuantizedMultiplier(qb * (1 << left_shift), mb);
    const int32_t sum = scaled_a + sign * scaled_b;
    StoreInt(c.dtype(), c.data(), i,
             Clamp(int64_t{MultiplyByQuantizedMultiplier(sum, mc)} + sc.zero_point, range));
  });
  return Status::Ok();
}

Status RunQuantizedSquaredDifference(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 2));
  const Tensor& a = context.in(0);
  const Tensor& b = context.in(1);
  Tensor& c = context.out(0);
  const Scale sa = ScaleOf(*context.in_quant(0));
  const Scale sb = ScaleOf(*context.in_quant(1));
  const Scale sc = ScaleOf(*context.out_quant(0));
  constexpr int kLeftShift = 7;  // 255^2 * 2^14 fits 32 bits
  const double twice_max = 2 * static_cast<double>(std::max(sa.scale, sb.scale));
  const FixedMultiplier ma = QuantizeMultiplier(sa.scale / twice_max);
  const FixedMultiplier mb = QuantizeMultiplier(sb.scale / twice_max);
  const FixedMultiplier mc =
      QuantizeMultiplier(twice_max * twice_max / ((1 << (2 * kLeftShift)) * static_cast<double>(sc.scale)));
  const ClampRange range = FullRange(c.dtype());
  const Dims shapes[] = {a.dims(), b.dims()};
  ForEachBroadcast(c.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    const auto qa = static_cast<int32_t>(LoadInt(a.dtype(), a.data(), at[0])) - sa.zero_point;
    const auto qb = static_cast<int32_t>(LoadInt(b.dtype(), b.data(), at[1])) - sb.zero_point;
    const int32_t difference = MultiplyByQuantizedMultiplier(qa * (1 << kLeftShift), ma) -
                               MultiplyByQuantizedMultiplier(qb * (1 << kLeftShift), mb);
    const int32_t square = MultiplyByQuantizedMultiplier(difference * difference, mc);
    StoreInt(c.dtype(), c.data(), i, Clamp(int64_t{square} + sc.zero_point, range));
  });
  return Status::Ok();
}

Status RunQuantizedMul(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 2));
  const Tensor& a = context.in(0);
  const Tensor& b = context.in(1);
  Tensor& c = context.out(0);
  const Scale sa = ScaleOf(*context.in_quant(0));
  const Scale sb = ScaleOf(*context.in_quant(1));
  const Scale sc = ScaleOf(*context.out_quant(0));
  const float real = sa.scale * sb.scale / sc.scale;  // LiteRT has it in f32: 16-bit results show it
  const FixedMultiplier m = QuantizeMultiplier(real);
  const ClampRange range = QuantizedClamp(ActivationOf(context.attrs()), c.dtype(), *context.out_quant(0));
  const Dims shapes[] = {a.dims(), b.dims()};
  ForEachBroadcast(c.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    const auto qa = static_cast<int32_t>(LoadInt(a.dtype(), a.data(), at[0])) - sa.zero_point;
    const auto qb = static_cast<int32_t>(LoadInt(b.dtype(), b.data(), at[1])) - sb.zero_point;
    const int32_t product = MultiplyByQuantizedMultiplier(qa * qb, m);
    StoreInt(c.dtype(), c.data(), i, Clamp(int64_t{product} + sc.zero_point, range));
  });
  return Status::Ok();
}

Status RunQuantizedLeakyRelu(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Scale in = ScaleOf(*context.in_quant(0));
  const Scale out = ScaleOf(*context.out_quant(0));
  const double alpha = static_cast<double>(in.scale * context.attrs().Float("alpha") / out.scale);
  const FixedMultiplier negative = QuantizeMultiplier(alpha);
  const FixedMultiplier positive = QuantizeMultiplier(static_cast<double>(in.scale / out.scale));
  const ClampRange range{MinOfInteger(y.dtype()), MaxOfInteger(y.dtype())};
  const int64_t count = x.count();
  for (int64_t i = 0; i < count; ++i) {
    const auto q = static_cast<int32_t>(LoadInt(x.dtype(), x.data(), i)) - in.zero_point;
    const int32_t scaled = MultiplyByQuantizedMultiplier(q, q >= 0 ? positive : negative);
    StoreInt(y.dtype(), y.data(), i, Clamp(int64_t{scaled} + out.zero_point, range));
  }
  return Status::Ok();
}

Status RunQuantizedPRelu(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 2));
  const Tensor& x = context.in(0);
  const Tensor& slope = context.in(1);
  Tensor& y = context.out(0);
  const Scale in = ScaleOf(*context.in_quant(0));
  const Scale alpha = ScaleOf(*context.in_quant(1));
  const Scale out = ScaleOf(*context.out_quant(0));
  const FixedMultiplier positive = QuantizeMultiplier(static_cast<double>(in.scale / out.scale));
  const FixedMultiplier negative =
      QuantizeMultiplier(static_cast<double>(in.scale * alpha.scale / out.scale));
  const ClampRange range{MinOfInteger(y.dtype()), MaxOfInteger(y.dtype())};
  const Dims shapes[] = {x.dims(), slope.dims()};
  ForEachBroadcast(y.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    const auto q = static_cast<int32_t>(LoadInt(x.dtype(), x.data(), at[0])) - in.zero_point;
    const auto a = static_cast<int32_t>(LoadInt(slope.dtype(), slope.data(), at[1])) - alpha.zero_point;
    const int32_t scaled =
        q >= 0 ? MultiplyByQuantizedMultiplier(q, positive) : MultiplyByQuantizedMultiplier(q * a, negative);
    StoreInt(y.dtype(), y.data(), i, Clamp(int64_t{scaled} + out.zero_point, range));
  });
  return Status::Ok();
}

Status RunThroughReal(RunContext& context, double (*f)(double)) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Scale in = ScaleOf(*context.in_quant(0));
  const Scale out = ScaleOf(*context.out_quant(0));
  const ClampRange range{MinOfInteger(y.dtype()), MaxOfInteger(y.dtype())};
  const int64_t count = x.count();
  for (int64_t i = 0; i < count; ++i) {
    const double real = in.scale * static_cast<double>(LoadInt(x.dtype(), x.data(), i) - in.zero_point);
    const auto rounded = static_cast<int64_t>(std::round(f(real) / out.scale)) + out.zero_point;
    StoreInt(y.dtype(), y.data(), i, Clamp(rounded, range));
  }
  return Status::Ok();
}

}  // namespace slipway
