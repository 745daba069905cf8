// base/fixed_point.h on vectors of i32, to the bit. Included once per Highway target.
#if defined(SLIPWAY_CPU_FIXED_POINT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_FIXED_POINT_INL_H_
#undef SLIPWAY_CPU_FIXED_POINT_INL_H_
#else
#define SLIPWAY_CPU_FIXED_POINT_INL_H_
#endif

#include "base/fixed_point.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// SaturatingRoundingDoublingHighMul of every lane: floor((x * m + 2^30) / 2^31), so bits 31 to 62 of the sum.
// multiplier_odd: the multipliers of the odd lanes, moved to the even ones before them. REQUIRES: multipliers
// are not negative; D has 2 lanes or more, except for HWY_SCALAR.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V DoublingHighMultiply(D d, V x, V multiplier, V multiplier_odd) {
#if HWY_TARGET == HWY_SCALAR
  (void)multiplier_odd;
  return hn::Set(d, SaturatingRoundingDoublingHighMul(hn::GetLane(x), hn::GetLane(multiplier)));
#else
  const hn::Repartition<int64_t, D> d64;
  const hn::Repartition<uint64_t, D> du64;
  const auto nudge = hn::Set(d64, int64_t{1} << 30);
  const V x_odd = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(du64, x)));
  const auto even = hn::Add(hn::MulEven(x, multiplier), nudge);
  const auto odd = hn::Add(hn::MulEven(x_odd, multiplier_odd), nudge);
  // One in the lower half of its 64 bits, the other in the upper.
  const V low = hn::BitCast(d, hn::ShiftRight<31>(hn::BitCast(du64, even)));
  const V high = hn::BitCast(d, hn::Add(odd, odd));
  return hn::OddEven(high, low);
#endif
}

// MultiplyByQuantizedMultiplier of every lane. REQUIRES: the multiplier is not negative; D has 2 lanes or
// more, except for HWY_SCALAR.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V MultiplyFixed(D d, V x, const FixedMultiplier& m) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(d, MultiplyByQuantizedMultiplier(hn::GetLane(x), m));
#else
  if (m.shift > 0) x = hn::ShiftLeftSame(x, m.shift);
  const V multiplier = hn::Set(d, m.multiplier);
  const V y = DoublingHighMultiply(d, x, multiplier, multiplier);
  if (m.shift >= 0) return y;
  // Half away from zero: what is shifted out against one half, and a little more of negative numbers.
  const int right = -m.shift;
  const auto mask = static_cast<int32_t>((int64_t{1} << right) - 1);
  const V rest = hn::And(y, hn::Set(d, mask));
  const V threshold = hn::Sub(hn::Set(d, mask >> 1), hn::ShiftRight<31>(y));
  return hn::Sub(hn::ShiftRightSame(y, right), hn::VecFromMask(d, hn::Gt(rest, threshold)));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_FIXED_POINT_INL_H_
