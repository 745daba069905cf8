#include "backends/cpu/kernels/convert/convert.h"

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/convert/convert.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/simd/divide-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using D = hn::CappedTag<float, 16>;
using DI = hn::RebindToSigned<D>;
constexpr int64_t kMaxLanes = 16;

// convert(from, to) for every vector; elements that fill none go through copies.
template <class From, class To, class F>
HWY_INLINE void ConvertAll(const From* x, int64_t count, To* y, const F& convert) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(D()));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) convert(x + i, y + i);
  if (i == count) return;
  From rest[kMaxLanes] = {};
  To rest_y[kMaxLanes];
  for (int64_t k = i; k < count; ++k) rest[k - i] = x[k];
  convert(rest, rest_y);
  for (int64_t k = i; k < count; ++k) y[k] = rest_y[k - i];
}

template <class V>
HWY_INLINE hn::Vec<DI> QuantizeLanes(const QuantizeRow& row, V x) {
  const D d;
  const DI di;
  x = Divide(x, hn::Set(d, row.scale));
  const auto is_nan = hn::IsNaN(x);
  V rounded;
  if (row.ties == TieRule::kToEven) {
    rounded = hn::Round(x);
  } else {
    // The largest float below one half: adding it never carries what is less than a half over.
    rounded = hn::Trunc(hn::Add(x, hn::CopySign(hn::Set(d, 0.49999997F), x)));
  }
  const V low = hn::Set(d, static_cast<float>(row.low - row.zero_point));
  const V high = hn::Set(d, static_cast<float>(row.high - row.zero_point));
  const V clamped = hn::IfThenZeroElse(is_nan, hn::Min(hn::Max(rounded, low), high));
  auto y = hn::Add(hn::ConvertTo(di, clamped), hn::Set(di, row.zero_point));
  y = hn::Min(hn::Max(y, hn::Set(di, row.low)), hn::Set(di, row.high));
  if (row.nan == NanRule::kZero) y = hn::IfThenZeroElse(hn::RebindMask(di, is_nan), y);
  return y;
}

template <class T>
HWY_INLINE void QuantizeAll(const QuantizeRow& row, const float* x, int64_t count, T* y) {
  const D d;
  const hn::Rebind<T, D> narrow;
  const auto convert = [&](const float* from, T* to) HWY_ATTR {
    hn::StoreU(hn::DemoteTo(narrow, QuantizeLanes(row, hn::LoadU(d, from))), narrow, to);
  };
  ConvertAll(x, count, y, convert);
}

}  // namespace

void ToI8(const QuantizeRow& row, const float* x, int64_t count, int8_t* y) { QuantizeAll(row, x, count, y); }
void ToU8(const QuantizeRow& row, const float* x, int64_t count, uint8_t* y) {
  QuantizeAll(row, x, count, y);
}
void ToI16(const QuantizeRow& row, const float* x, int64_t count, int16_t* y) {
  QuantizeAll(row, x, count, y);
}
void ToU16(const QuantizeRow& row, const float* x, int64_t count, uint16_t* y) {
  QuantizeAll(row, x, count, y);
}

// Exponents move by 112; subnormal halves by way of a subtraction that normalises them.
void FromHalves(const uint16_t* x, int64_t count, float* y) {
  const D d;
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<uint16_t, D> d16;
  const auto convert = [&](const uint16_t* from, float* to) HWY_ATTR {
    const auto bits = hn::PromoteTo(du, hn::LoadU(d16, from));
    const auto sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(du, 0x8000U)));
    const auto magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(du, 0x7FFFU)));
    const auto exponent = hn::And(magnitude, hn::Set(du, 0x0F800000U));
    auto normal = hn::Add(magnitude, hn::Set(du, 112U << 23));
    const auto is_top = hn::Eq(exponent, hn::Set(du, 0x0F800000U));
    normal = hn::IfThenElse(is_top, hn::Add(normal, hn::Set(du, 112U << 23)), normal);
    const auto magic = hn::BitCast(d, hn::Set(du, 113U << 23));
    const auto small = hn::Sub(hn::BitCast(d, hn::Add(magnitude, hn::Set(du, 113U << 23))), magic);
    const auto is_small = hn::Eq(exponent, hn::Zero(du));
    const auto value = hn::IfThenElse(is_small, hn::BitCast(du, small), normal);
    hn::StoreU(hn::BitCast(d, hn::Or(value, sign)), d, to);
  };
  ConvertAll(x, count, y, convert);
}

// Rounded to the nearest, ties to even, by integers (F. Giesen): a carry runs into the exponent, up to
// infinity; what becomes subnormal is rounded by an addition that leaves its bits at the end.
void ToHalves(const float* x, int64_t count, uint16_t* y) {
  const D d;
  const hn::RebindToSigned<D> di;
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<uint16_t, D> d16;
  const auto convert = [&](const float* from, uint16_t* to) HWY_ATTR {
    const auto bits = hn::BitCast(di, hn::LoadU(d, from));
    const auto magnitude = hn::And(bits, hn::Set(di, 0x7FFFFFFF));
    const auto is_odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(di, 1));
    const auto moved = hn::Add(hn::Add(magnitude, hn::Set(di, 0xFFF - (112 << 23))), is_odd);
    const auto normal = hn::ShiftRight<13>(moved);
    const auto half = hn::Set(d, 0.5F);
    const auto small =
        hn::Sub(hn::BitCast(di, hn::Add(hn::BitCast(d, magnitude), half)), hn::BitCast(di, half));
    const auto is_nan = hn::Gt(magnitude, hn::Set(di, 0x7F800000));
    const auto beyond = hn::IfThenElse(is_nan, hn::Set(di, 0x7E00), hn::Set(di, 0x7C00));
    auto result = hn::IfThenElse(hn::Lt(magnitude, hn::Set(di, 113 << 23)), small, normal);
    result = hn::IfThenElse(hn::Lt(magnitude, hn::Set(di, 143 << 23)), result, beyond);
    const auto sign = hn::ShiftRight<16>(hn::BitCast(du, hn::Xor(bits, magnitude)));
    hn::StoreU(hn::TruncateTo(d16, hn::Or(hn::BitCast(du, result), sign)), d16, to);
  };
  ConvertAll(x, count, y, convert);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {

HWY_EXPORT(ToI8);
HWY_EXPORT(ToU8);
HWY_EXPORT(ToI16);
HWY_EXPORT(ToU16);
HWY_EXPORT(ToHalves);
HWY_EXPORT(FromHalves);

template <>
void QuantizeFloats<int8_t>(const QuantizeRow& row, const float* x, int64_t count, int8_t* y) {
  HWY_DYNAMIC_DISPATCH(ToI8)(row, x, count, y);
}
template <>
void QuantizeFloats<uint8_t>(const QuantizeRow& row, const float* x, int64_t count, uint8_t* y) {
  HWY_DYNAMIC_DISPATCH(ToU8)(row, x, count, y);
}
template <>
void QuantizeFloats<int16_t>(const QuantizeRow& row, const float* x, int64_t count, int16_t* y) {
  HWY_DYNAMIC_DISPATCH(ToI16)(row, x, count, y);
}
template <>
void QuantizeFloats<uint16_t>(const QuantizeRow& row, const float* x, int64_t count, uint16_t* y) {
  HWY_DYNAMIC_DISPATCH(ToU16)(row, x, count, y);
}
void FloatsToHalf(const float* x, int64_t count, uint16_t* y) { HWY_DYNAMIC_DISPATCH(ToHalves)(x, count, y); }
void HalfToFloats(const uint16_t* x, int64_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(FromHalves)(x, count, y);
}

}  // namespace slipway::cpu
#endif
