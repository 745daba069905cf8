// Instructions on pairs of f16 (f16.h). Included once per Highway target.
#if defined(SLIPWAY_CPU_F16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_F16_INL_H_
#undef SLIPWAY_CPU_F16_INL_H_
#else
#define SLIPWAY_CPU_F16_INL_H_
#endif

#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "hwy/highway.h"

// Every machine that has products of f16 has this target, not the other way round: ask WhyNoF16.
#undef SLIPWAY_CPU_HAS_F16
#if HWY_ARCH_ARM_A64 && HWY_TARGET == HWY_NEON
#define SLIPWAY_CPU_HAS_F16 1
#else
#define SLIPWAY_CPU_HAS_F16 0
#endif

#if SLIPWAY_CPU_HAS_F16
HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sum + both products of four pairs of weights, packed as PackPanelsF16 does, with a pair that `value` begins
// with. Assembly, since the target is compiled without FHM; x: an element is taken of the lower 16 registers
// only.
HWY_INLINE VF MultiplyF16Pairs(VF value, VF weight, VF sum) {
  asm(".arch armv8.2-a+crypto+fp16fml\n\t"  // the target's own, and FHM
      "fmlal %0.4s, %2.4h, %1.h[0]\n\t"
      "fmlal2 %0.4s, %2.4h, %1.h[1]"
      : "+w"(sum.raw)
      : "x"(value.raw), "w"(weight.raw));
  return sum;
}

// A vector of floats as half as many pairs.
HWY_INLINE void StoreF16(VF v, float* to) {
  hn::Vec<hn::Half<DF>> pairs;
  asm("fcvtn %0.4h, %1.4s" : "=w"(pairs.raw) : "w"(v.raw));
  hn::StoreU(pairs, hn::Half<DF>(), to);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();
#endif  // SLIPWAY_CPU_HAS_F16

#endif  // SLIPWAY_CPU_F16_INL_H_
