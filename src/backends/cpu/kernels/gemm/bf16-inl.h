// Instructions on pairs of bf16 (bf16.h). Included once per Highway target.
#if defined(SLIPWAY_CPU_BF16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_BF16_INL_H_
#undef SLIPWAY_CPU_BF16_INL_H_
#else
#define SLIPWAY_CPU_BF16_INL_H_
#endif

#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "hwy/highway.h"

// Every machine that has bf16 has this target, not the other way round: ask WhyNoBf16.
#undef SLIPWAY_CPU_HAS_BF16
#if HWY_ARCH_X86 && HWY_TARGET == HWY_AVX3_DL
#define SLIPWAY_CPU_HAS_BF16 1
#else
#define SLIPWAY_CPU_HAS_BF16 0
#endif

#if SLIPWAY_CPU_HAS_BF16
HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Assembly, since the target is compiled without bf16.

// sum + both products of every pair of `value` and of `weight`.
HWY_INLINE VF MultiplyPairs(VF value, VF weight, VF sum) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(value.raw), "v"(weight.raw));
  return sum;
}

// 32 floats as 16 pairs.
HWY_INLINE VF Pairs(VF low, VF high) {
  VF pairs;
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(pairs.raw) : "v"(low.raw), "v"(high.raw));
  return pairs;
}

// 16 floats as 8 pairs.
HWY_INLINE void StoreBf16(VF v, float* to) {
  hn::Vec<hn::Half<DF>> pairs;
  asm("vcvtneps2bf16 %1, %0" : "=v"(pairs.raw) : "v"(v.raw));
  hn::StoreU(pairs, hn::Half<DF>(), to);
}

// ---- Elements in memory (elements.h): masked, nothing behind the first `count` is touched.

using D16 = hn::Rebind<uint16_t, DF>;          // as many as floats in a vector
using DPairs = hn::Repartition<uint16_t, DF>;  // twice as many

HWY_INLINE VF FloatsOf(hn::Vec<D16> bits) {
  const hn::Rebind<uint32_t, DF> wide;
  return hn::BitCast(DF(), hn::ShiftLeft<16>(hn::PromoteTo(wide, bits)));
}

HWY_INLINE hn::Vec<D16> Bf16Of(VF x) {
  hn::Vec<D16> bits;
  asm("vcvtneps2bf16 %1, %0" : "=v"(bits.raw) : "v"(x.raw));
  return bits;
}

HWY_INLINE VF LoadBf16(const uint16_t* from, size_t count) {
  return FloatsOf(hn::MaskedLoad(hn::FirstN(D16(), count), D16(), from));
}

HWY_INLINE void StoreBf16(VF x, uint16_t* to, size_t count) {
  hn::BlendedStore(Bf16Of(x), hn::FirstN(D16(), count), D16(), to);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();
#endif  // SLIPWAY_CPU_HAS_BF16

#endif  // SLIPWAY_CPU_BF16_INL_H_
