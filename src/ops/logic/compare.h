// What the comparison records share.
#pragma once

#include <algorithm>
#include <string>

#include "base/fixed_point.h"
#include "base/scalar.h"
#include "ops/math/elementwise.h"

namespace slipway {

// A record of c = a ? b with bool outputs, all but name, formula, reference and rows.
OpDef CompareOp();

// Element-wise under broadcasting: strings as bytes, u64 unsigned, quantised integers by the reals they stand
// for, everything else as integers or doubles.
template <class F>
Status RunCompare(RunContext& context, F compare) {
  const Tensor& a = context.in(0);
  const Tensor& b = context.in(1);
  uint8_t* c = context.out(0).as<uint8_t>();
  const Quant* qa = context.in_quant(0);
  const Quant* qb = context.in_quant(1);
  if (IsInteger(a.dtype()) &&
      ((qa != nullptr && qa->scales.size() != 1) || (qb != nullptr && qb->scales.size() != 1)))
    return context.Error("quantised operands need one scale and zero point each");
  const bool has_scales = qa != nullptr && qb != nullptr && IsInteger(a.dtype()) && qa->scales.size() == 1 &&
                          qb->scales.size() == 1 && BitsOf(a.dtype()) <= 16;
  const FixedMultiplier ma = has_scales ? QuantizeMultiplier(double{qa->scales[0]}) : FixedMultiplier();
  const FixedMultiplier mb = has_scales ? QuantizeMultiplier(double{qb->scales[0]}) : FixedMultiplier();
  // LiteRT compares in steps of 1/256.
  const auto real = [](const Tensor& t, const Quant& q, FixedMultiplier m, int64_t i) {
    const auto steps = static_cast<int32_t>(LoadInt(t.dtype(), t.data(), i) - q.zero_points[0]);
    return MultiplyByQuantizedMultiplier(steps * (1 << 8), m);
  };
  const Dims shapes[] = {a.dims(), b.dims()};
  ForEachBroadcast(context.out(0).dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    if (a.dtype() == DType::kString) {
      c[i] = compare(a.as<std::string>()[at[0]], b.as<std::string>()[at[1]]);
    } else if (has_scales) {
      c[i] = compare(real(a, *qa, ma, at[0]), real(b, *qb, mb, at[1]));
    } else if (a.dtype() == DType::kU64) {
      c[i] = compare(a.as<uint64_t>()[at[0]], b.as<uint64_t>()[at[1]]);
    } else if (IsFloat(a.dtype())) {
      c[i] = compare(LoadReal(a.dtype(), a.data(), at[0]), LoadReal(b.dtype(), b.data(), at[1]));
    } else {
      c[i] = compare(LoadInt(a.dtype(), a.data(), at[0]), LoadInt(b.dtype(), b.data(), at[1]));
    }
  });
  return Status::Ok();
}

}  // namespace slipway
