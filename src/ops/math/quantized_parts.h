// Small things that the quantised kernels of this folder share.
#pragma once

#include <algorithm>

#include "base/fixed_point.h"
#include "base/function_ref.h"
#include "base/scalar.h"
#include "ops/activation.h"
#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"
#include "ops/run.h"

namespace slipway {

struct Scale {
  float scale;
  int32_t zero_point;
};

inline Scale ScaleOf(const Quant& quant) {
  return {quant.scales[0], static_cast<int32_t>(quant.zero_points[0])};
}

inline ClampRange FullRange(DType dtype) { return {MinOfInteger(dtype), MaxOfInteger(dtype)}; }

inline int32_t Clamp(int64_t value, ClampRange range) {
  return static_cast<int32_t>(std::clamp(value, range.low, range.high));
}

// y = clamp(zero point of y + f(x - zero point of x)) for every element.
Status RunOnSteps(RunContext& context, ClampRange range, FunctionRef<int64_t(int32_t)> f);

// The scales of the two operands and of the result.
struct Scales {
  float a, b, out;
};

// c = clamp(zero point of c + f(a - zero point of a, b - zero point of b)), broadcast; the clamp is the
// node's activation. `prepare` makes f from the scales, once.
template <class Prepare>
Status OfTwoQuantized(RunContext& context, const Prepare& prepare) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 2));
  const Tensor& a = context.in(0);
  const Tensor& b = context.in(1);
  Tensor& c = context.out(0);
  const Scale sa = ScaleOf(*context.in_quant(0));
  const Scale sb = ScaleOf(*context.in_quant(1));
  const Scale sc = ScaleOf(*context.out_quant(0));
  const auto f = prepare(Scales{sa.scale, sb.scale, sc.scale});
  const ClampRange range = QuantizedClamp(ActivationOf(context.attrs()), c.dtype(), *context.out_quant(0));
  const Dims shapes[] = {a.dims(), b.dims()};
  ForEachBroadcast(c.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    const auto qa = static_cast<int32_t>(LoadInt(a.dtype(), a.data(), at[0])) - sa.zero_point;
    const auto qb = static_cast<int32_t>(LoadInt(b.dtype(), b.data(), at[1])) - sb.zero_point;
    StoreInt(c.dtype(), c.data(), i, Clamp(f(qa, qb) + sc.zero_point, range));
  });
  return Status::Ok();
}

// y = f(x) by table, as LiteRT builds it: 8-bit inputs have an entry each; 16-bit ones 513 entries with
// linear interpolation in between.
Status RunTable(RunContext& context, FunctionRef<float(float)> f);

}  // namespace slipway
