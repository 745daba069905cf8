// Quotients and square roots of f32 as IEEE 754 rounds them. Included once per Highway target.
//
// NEON of ARMv7 has neither: Highway refines estimates there, which miss the nearest float (a quantised value
// may then come out one off) and turn infinities and zeros into NaN. The scalar unit has both.
#if defined(SLIPWAY_CPU_DIVIDE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_DIVIDE_INL_H_
#undef SLIPWAY_CPU_DIVIDE_INL_H_
#else
#define SLIPWAY_CPU_DIVIDE_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// V: a vector of f32.
template <class V>
HWY_INLINE V Divide(V a, V b) {
#if HWY_TARGET == HWY_NEON && HWY_ARCH_ARM_V7
  return V(a.raw / b.raw);
#else
  return hn::Div(a, b);
#endif
}

template <class V>
HWY_INLINE V SquareRoot(V x) {
#if HWY_TARGET == HWY_NEON && HWY_ARCH_ARM_V7
  for (size_t i = 0; i < sizeof(x.raw) / sizeof(float); ++i) x.raw[i] = __builtin_sqrtf(x.raw[i]);
  return x;
#else
  return hn::Sqrt(x);
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_DIVIDE_INL_H_
