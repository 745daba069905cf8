// Instructions on pairs of bf16 (bf16.h). Included once per Highway target.
#if defined(SLIPWAY_CPU_BF16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_BF16_INL_H_
#undef SLIPWAY_CPU_BF16_INL_H_
#else
#define SLIPWAY_CPU_BF16_INL_H_
#endif

#include "backends/cpu/kernels/simd/partial-inl.h"
#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "hwy/highway.h"

// Every machine that has bf16 has one of these targets, not the other way round: ask WhyNoBf16.
#undef SLIPWAY_CPU_HAS_BF16
#undef SLIPWAY_CPU_X86_BF16_TARGET
#ifdef HWY_WANT_AVX3_DL
#define SLIPWAY_CPU_X86_BF16_TARGET HWY_AVX3_DL
#else
#define SLIPWAY_CPU_X86_BF16_TARGET HWY_AVX3
#endif
#if (HWY_ARCH_X86 && HWY_TARGET == SLIPWAY_CPU_X86_BF16_TARGET) || \
    (HWY_ARCH_ARM_A64 && HWY_TARGET == HWY_NEON)
#define SLIPWAY_CPU_HAS_BF16 1
#else
#define SLIPWAY_CPU_HAS_BF16 0
#endif

#if SLIPWAY_CPU_HAS_BF16
HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D16 = hn::Rebind<uint16_t, DF>;          // as many as floats in a vector
using DPairs = hn::Repartition<uint16_t, DF>;  // twice as many

// Assembly, since the targets are compiled without bf16.
#if HWY_ARCH_X86

// sum + both products of every pair of `value` and of `weight`.
HWY_INLINE VF MultiplyPairs(VF value, VF weight, VF sum) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(value.raw), "v"(weight.raw));
  return sum;
}

// Twice as many floats as a vector has lanes, as a vector of pairs.
HWY_INLINE VF Pairs(VF low, VF high) {
  VF pairs;
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(pairs.raw) : "v"(low.raw), "v"(high.raw));
  return pairs;
}

// A vector of floats as bf16, one by one.
HWY_INLINE hn::Vec<D16> Bf16Of(VF v) {
  hn::Vec<D16> bits;
  asm("vcvtneps2bf16 %1, %0" : "=v"(bits.raw) : "v"(v.raw));
  return bits;
}

// Two vectors of floats as one of bf16, in turns.
HWY_INLINE hn::Vec<DPairs> Interleaved(VF even, VF odd) {
  const DPairs d;
  alignas(64) static constexpr uint16_t kTurns[] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                    21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                    11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  // Highway 1.0 has no look-up of 16-bit lanes.
  return hn::Vec<DPairs>{
      _mm512_permutexvar_epi16(hn::Load(d, kTurns).raw, hn::BitCast(d, Pairs(even, odd)).raw)};
}

// LoadFirst and StoreFirst (partial-inl.h) without their way for whole vectors: a branch, and code twice.
template <class D>
HWY_INLINE hn::Vec<D> LoadFirst16(D d, const uint16_t* from, size_t count) {
  return hn::MaskedLoad(hn::FirstN(d, count), d, from);
}

template <class D>
HWY_INLINE void StoreFirst16(hn::Vec<D> bits, D d, uint16_t* to, size_t count) {
  hn::BlendedStore(bits, hn::FirstN(d, count), d, to);
}

#else  // ARM: the same

HWY_INLINE VF MultiplyPairs(VF value, VF weight, VF sum) {
  asm(".arch_extension bf16\n\tbfdot %0.4s, %1.8h, %2.8h" : "+w"(sum.raw) : "w"(value.raw), "w"(weight.raw));
  return sum;
}

HWY_INLINE VF Pairs(VF low, VF high) {
  VF pairs;
  asm(".arch_extension bf16\n\tbfcvtn %0.4h, %1.4s\n\tbfcvtn2 %0.8h, %2.4s"
      : "=&w"(pairs.raw)
      : "w"(low.raw), "w"(high.raw));
  return pairs;
}

HWY_INLINE hn::Vec<D16> Bf16Of(VF v) {
  hn::Vec<D16> bits;
  asm(".arch_extension bf16\n\tbfcvtn %0.4h, %1.4s" : "=w"(bits.raw) : "w"(v.raw));
  return bits;
}

HWY_INLINE hn::Vec<DPairs> Interleaved(VF even, VF odd) {
  const DPairs d;
  const auto pairs = hn::BitCast(d, Pairs(even, odd));
  return hn::InterleaveLower(d, pairs, hn::CombineShiftRightBytes<8>(d, pairs, pairs));
}

template <class D>
HWY_INLINE hn::Vec<D> LoadFirst16(D d, const uint16_t* from, size_t count) {
  return LoadFirst(d, from, count);
}

template <class D>
HWY_INLINE void StoreFirst16(hn::Vec<D> bits, D d, uint16_t* to, size_t count) {
  StoreFirst(bits, d, to, count);
}

#endif  // HWY_ARCH_X86

// A vector of floats as half as many pairs.
HWY_INLINE void StoreBf16(VF v, float* to) {
  const hn::Half<DF> d;
  hn::StoreU(hn::BitCast(d, Bf16Of(v)), d, to);
}

// ---- Elements in memory (elements.h): nothing behind the first `count` is touched.

HWY_INLINE VF FloatsOf(hn::Vec<D16> bits) {
  const hn::Rebind<uint32_t, DF> wide;
  return hn::BitCast(DF(), hn::ShiftLeft<16>(hn::PromoteTo(wide, bits)));
}

HWY_INLINE VF LoadBf16(const uint16_t* from, size_t count) {
  return FloatsOf(LoadFirst16(D16(), from, count));
}

HWY_INLINE void StoreBf16(VF x, uint16_t* to, size_t count) { StoreFirst16(Bf16Of(x), D16(), to, count); }

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();
#endif  // SLIPWAY_CPU_HAS_BF16

#endif  // SLIPWAY_CPU_BF16_INL_H_
