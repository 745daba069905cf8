// Requantisation of vectors (requantize.h). Included once per Highway target.
#if defined(SLIPWAY_CPU_REQUANTIZE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_REQUANTIZE_INL_H_
#undef SLIPWAY_CPU_REQUANTIZE_INL_H_
#else
#define SLIPWAY_CPU_REQUANTIZE_INL_H_
#endif

#include <cstring>

#include "backends/cpu/kernels/quantized/requantize.h"
#include "backends/cpu/kernels/simd/fixed_point-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#undef SLIPWAY_CPU_HAS_PAIRWISE
// The pairwise 16-bit multiply-add of x86 keeps neighbours together; elsewhere it does not.
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
#define SLIPWAY_CPU_HAS_PAIRWISE 1
#else
#define SLIPWAY_CPU_HAS_PAIRWISE 0
#endif

// The constants of as many channels as D has lanes, from channel `c` on.
template <class D>
struct ChannelScales {
  using V = hn::Vec<D>;
  V multiplier, odd_multiplier, left, shift, carry, is_carried, low, high, zero_point;

  HWY_INLINE ChannelScales(D d, const Requantizer& q, int64_t c)
      : multiplier(hn::LoadU(d, q.multiplier.data() + c)),
        odd_multiplier(multiplier),
        left(hn::LoadU(d, q.left.data() + c)),
        shift(hn::LoadU(d, q.shift.data() + c)),
        carry(hn::LoadU(d, q.carry.data() + c)),
        is_carried(hn::Neg(carry)),
        low(hn::Set(d, q.low)),
        high(hn::Set(d, q.high)),
        zero_point(hn::Set(d, q.zero_point)) {
#if HWY_TARGET != HWY_SCALAR
    const hn::Repartition<uint64_t, D> d64;
    odd_multiplier = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(d64, multiplier)));
#endif
  }
};

// The result, clamped, zero point added. kIsPlain: no channel is shifted to the left, all to the right.
template <bool kIsPlain, class D, class V = hn::Vec<D>>
HWY_INLINE V RequantizeLanes(D d, V acc, const ChannelScales<D>& scales) {
  if constexpr (!kIsPlain) acc = hn::Shl(acc, scales.left);
  const V s = DoublingHighMultiply(d, acc, scales.multiplier, scales.odd_multiplier);
  V r;
  if constexpr (kIsPlain) {
    const V t = hn::Add(s, hn::ShiftRight<31>(s));
    r = hn::ShiftRight<1>(hn::Add(hn::Shr(t, scales.shift), scales.carry));
  } else {
    const V t = hn::Add(s, hn::And(hn::ShiftRight<31>(s), scales.is_carried));
    r = hn::Shr(hn::Add(hn::Shr(t, scales.shift), scales.carry), scales.carry);
  }
  return hn::Add(hn::Min(hn::Max(r, scales.low), scales.high), scales.zero_point);
}

// The lanes' low bytes: 8-bit results, signed or not.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void StoreBytes(D d, V v, uint8_t* to) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  // TruncateTo of Highway 1.0.3 is wrong from 32 to 8 bits on AVX3_DL.
  if constexpr (hn::MaxLanes(D()) == 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(v.raw));
    return;
  }
#endif
  const hn::Rebind<uint8_t, D> d8;
  hn::StoreU(hn::DemoteTo(d8, hn::And(v, hn::Set(d, 0xFF))), d8, to);
}

// Less than 16 bytes without a call.
HWY_INLINE void CopyFew(uint8_t* to, const uint8_t* from, int64_t count) {
  if (count & 8) {
    std::memcpy(to, from, 8);
    to += 8;
    from += 8;
  }
  if (count & 4) {
    std::memcpy(to, from, 4);
    to += 4;
    from += 4;
  }
  for (int64_t i = 0; i < (count & 3); ++i) to[i] = from[i];
}

// One accumulator by the double rule.
HWY_INLINE uint8_t RequantizeReal(int32_t acc, const Requantizer& q, int64_t c) {
  // Far beyond any clamp, and small enough for a conversion to 32 bits.
  const double product = std::clamp(static_cast<double>(acc) * q.real[static_cast<size_t>(c)], -1e9, 1e9);
  auto whole = static_cast<int32_t>(product);
  const double rest = product - whole;
  if (rest >= 0.5) ++whole;
  if (rest <= -0.5) --whole;
  return static_cast<uint8_t>(std::min(std::max(whole, q.low), q.high) + q.zero_point);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_REQUANTIZE_INL_H_
