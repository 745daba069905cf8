#include "backends/cpu/kernels/elementwise/elementwise_quant.h"

#include <algorithm>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/elementwise/elementwise_quant.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/simd/fixed_point-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

using D = hn::CappedTag<int32_t, 16>;
constexpr int64_t kMaxLanes = 16;

template <class V>
HWY_INLINE V Combine(const QuantizedRow& row, V a, V b) {
  const D d;
  a = hn::Sub(a, hn::Set(d, row.a_zero));
  b = hn::Sub(b, hn::Set(d, row.b_zero));
  V y;
  if (row.function == QuantizedRow::Function::kProduct) {
    y = hn::Mul(a, b);
  } else {
    const V scaled_a = MultiplyFixed(d, hn::ShiftLeftSame(a, row.left_shift), row.by_a);
    const V scaled_b = MultiplyFixed(d, hn::ShiftLeftSame(b, row.left_shift), row.by_b);
    y = row.sign > 0 ? hn::Add(scaled_a, scaled_b) : hn::Sub(scaled_a, scaled_b);
  }
  y = MultiplyFixed(d, y, row.by_out);
  y = hn::Min(hn::Max(y, hn::Set(d, row.low)), hn::Set(d, row.high));
  return hn::Add(y, hn::Set(d, row.out_zero));
}

template <class T>
HWY_INLINE void RunRow(const QuantizedRow& row, const T* a, const T* b, int64_t count, T* y) {
  const D d;
  const hn::Rebind<T, D> narrow;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto load = [&](const T* from, int64_t i, Run run) HWY_ATTR {
    return run == Run::kEach ? hn::PromoteTo(d, hn::LoadU(narrow, from + i))
                             : hn::Set(d, static_cast<int32_t>(*from));
  };
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::DemoteTo(narrow, Combine(row, load(a, i, row.a), load(b, i, row.b))), narrow, y + i);
  if (i == count) return;
  T rest_a[kMaxLanes] = {};
  T rest_b[kMaxLanes] = {};
  T rest_y[kMaxLanes];
  for (int64_t k = i; k < count; ++k) {
    rest_a[k - i] = row.a == Run::kEach ? a[k] : *a;
    rest_b[k - i] = row.b == Run::kEach ? b[k] : *b;
  }
  hn::StoreU(hn::DemoteTo(narrow, Combine(row, load(rest_a, 0, Run::kEach), load(rest_b, 0, Run::kEach))),
             narrow, rest_y);
  for (int64_t k = i; k < count; ++k) y[k] = rest_y[k - i];
}

}  // namespace

void RowI8(const QuantizedRow& row, const int8_t* a, const int8_t* b, int64_t count, int8_t* y) {
  RunRow(row, a, b, count, y);
}
void RowU8(const QuantizedRow& row, const uint8_t* a, const uint8_t* b, int64_t count, uint8_t* y) {
  RunRow(row, a, b, count, y);
}
void RowI16(const QuantizedRow& row, const int16_t* a, const int16_t* b, int64_t count, int16_t* y) {
  RunRow(row, a, b, count, y);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {

HWY_EXPORT(RowI8);
HWY_EXPORT(RowU8);
HWY_EXPORT(RowI16);

template <>
void RunQuantizedRow<int8_t>(const QuantizedRow& row, const int8_t* a, const int8_t* b, int64_t count,
                             int8_t* y) {
  HWY_DYNAMIC_DISPATCH(RowI8)(row, a, b, count, y);
}
template <>
void RunQuantizedRow<uint8_t>(const QuantizedRow& row, const uint8_t* a, const uint8_t* b, int64_t count,
                              uint8_t* y) {
  HWY_DYNAMIC_DISPATCH(RowU8)(row, a, b, count, y);
}
template <>
void RunQuantizedRow<int16_t>(const QuantizedRow& row, const int16_t* a, const int16_t* b, int64_t count,
                              int16_t* y) {
  HWY_DYNAMIC_DISPATCH(RowI16)(row, a, b, count, y);
}

}  // namespace slipway::cpu
#endif
