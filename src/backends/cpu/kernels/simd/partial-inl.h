// Loads and stores of the first elements of a vector that touch no memory behind them. Included once per
// Highway target.
#if defined(SLIPWAY_CPU_PARTIAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_PARTIAL_INL_H_
#undef SLIPWAY_CPU_PARTIAL_INL_H_
#else
#define SLIPWAY_CPU_PARTIAL_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// AVX2 and AVX-512 mask in hardware; elsewhere a masked access may touch the whole vector.
#undef SLIPWAY_CPU_HAS_MASKS
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
#define SLIPWAY_CPU_HAS_MASKS 1
#else
#define SLIPWAY_CPU_HAS_MASKS 0
#endif

// The first `count` elements, zeros behind. REQUIRES: count <= Lanes(d).
template <class D>
HWY_INLINE hn::Vec<D> LoadFirst(D d, const hn::TFromD<D>* from, size_t count) {
  if (count == hn::Lanes(d)) return hn::LoadU(d, from);
#if SLIPWAY_CPU_HAS_MASKS
  return hn::MaskedLoad(hn::FirstN(d, count), d, from);
#else
  HWY_ALIGN hn::TFromD<D> buffer[hn::MaxLanes(d)] = {};
  std::memcpy(buffer, from, count * sizeof(hn::TFromD<D>));
  return hn::Load(d, buffer);
#endif
}

// REQUIRES: count <= Lanes(d).
template <class D>
HWY_INLINE void StoreFirst(hn::Vec<D> x, D d, hn::TFromD<D>* to, size_t count) {
  if (count == hn::Lanes(d)) return hn::StoreU(x, d, to);
#if SLIPWAY_CPU_HAS_MASKS
  hn::BlendedStore(x, hn::FirstN(d, count), d, to);
#else
  HWY_ALIGN hn::TFromD<D> buffer[hn::MaxLanes(d)];
  hn::Store(x, d, buffer);
  std::memcpy(to, buffer, count * sizeof(hn::TFromD<D>));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_PARTIAL_INL_H_
