// Keys and values as the right sides of products (gemm_f32.h). Included once per Highway target.
#if defined(SLIPWAY_CPU_ATTENTION_PANELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_ATTENTION_PANELS_INL_H_
#undef SLIPWAY_CPU_ATTENTION_PANELS_INL_H_
#else
#define SLIPWAY_CPU_ATTENTION_PANELS_INL_H_
#endif

#include <algorithm>

#include "backends/cpu/kernels/gemm/bf16-inl.h"
#include "backends/cpu/kernels/gemm/epilogue-inl.h"
#include "backends/cpu/kernels/gemm/gemm_f32.h"
#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 4 x 4 elements: to[c * to_step + r] = from[r * from_step + c].
HWY_INLINE void Transpose4(const float* from, int64_t from_step, float* to, int64_t to_step) {
#if HWY_TARGET == HWY_SCALAR
  for (int64_t r = 0; r < 4; ++r) {
    for (int64_t c = 0; c < 4; ++c) to[c * to_step + r] = from[r * from_step + c];
  }
#else
  const hn::CappedTag<float, 4> d;
  const hn::Repartition<uint64_t, decltype(d)> wide;
  const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + from_step);
  const auto r2 = hn::LoadU(d, from + 2 * from_step), r3 = hn::LoadU(d, from + 3 * from_step);
  const auto low01 = hn::BitCast(wide, hn::InterleaveLower(d, r0, r1));
  const auto high01 = hn::BitCast(wide, hn::InterleaveUpper(d, r0, r1));
  const auto low23 = hn::BitCast(wide, hn::InterleaveLower(d, r2, r3));
  const auto high23 = hn::BitCast(wide, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, low01, low23)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, low01, low23)), d, to + to_step);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, high01, high23)), d, to + 2 * to_step);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, high01, high23)), d, to + 3 * to_step);
#endif
}

// keys [length][size], floats or pairs, to [panel][size][16], zeros behind the last.
HWY_INLINE void PackKeys(const float* keys, int64_t step, int64_t length, int64_t size, float* packed) {
  for (int64_t first = 0; first < length; first += kPanel, packed += size * kPanel) {
    const int64_t count = std::min(kPanel, length - first);
    if (count < kPanel) std::fill_n(packed, size * kPanel, 0.0F);
    int64_t j = 0;
    for (; j + 4 <= count; j += 4) {
      const float* from = keys + (first + j) * step;
      int64_t d = 0;
      for (; d + 4 <= size; d += 4) Transpose4(from + d, step, packed + d * kPanel + j, kPanel);
      for (; d < size; ++d) {
        for (int64_t r = 0; r < 4; ++r) packed[d * kPanel + j + r] = from[r * step + d];
      }
    }
    for (; j < count; ++j) {
      for (int64_t d = 0; d < size; ++d) packed[d * kPanel + j] = keys[(first + j) * step + d];
    }
  }
}

// Adds 0 to the sum for values of less than 2^88, NaN for others: a key that is not seen may hold anything, 0
// * NaN is not 0, and sums by weights that are not normalised yet must stay within f32.
HWY_INLINE VF AddImmoderate(VF x, VF sum) {
  return hn::MulAdd(hn::Mul(x, hn::Set(DF(), 0x1p40F)), hn::Zero(DF()), sum);
}
HWY_INLINE bool IsZero(VF x) { return hn::AllTrue(DF(), hn::Eq(x, hn::Zero(DF()))); }

// values [length][size] to [panel][length][16], zeros behind the last column. False: they are not all
// moderate.
HWY_INLINE bool PackValues(ConstElements values, int64_t step, int64_t length, int64_t size, float* packed) {
  VF immoderate = hn::Zero(DF());
  for (int64_t first = 0; first < size; first += kPanel) {
    for (int64_t j = 0; j < length; ++j) {
      for (int64_t i = 0; i < kPanel; i += kLanes, packed += kLanes) {
        const auto count = static_cast<size_t>(std::clamp<int64_t>(size - first - i, 0, kLanes));
        const VF x = count == 0 ? hn::Zero(DF()) : LoadElements(values + (j * step + first + i), count);
        immoderate = AddImmoderate(x, immoderate);
        hn::StoreU(x, DF(), packed);
      }
    }
  }
  return IsZero(immoderate);
}

#if SLIPWAY_CPU_HAS_BF16
// The same to pairs of neighbouring values, [panel][pair of length][16].
HWY_INLINE bool PackValuePairs(ConstElements values, int64_t step, int64_t length, int64_t size,
                               float* packed) {
  const DF d;
  VF immoderate = hn::Zero(DF());
  const auto load = [&](int64_t j, int64_t column) HWY_ATTR {
    const auto count = static_cast<size_t>(std::clamp<int64_t>(size - column, 0, kLanes));
    if (j >= length || count == 0) return hn::Zero(d);
    return LoadElements(values + (j * step + column), count);
  };
  for (int64_t first = 0; first < size; first += kPanel) {
    for (int64_t j = 0; j < length; j += 2) {
      for (int64_t i = first; i < first + kPanel; i += kLanes, packed += kLanes) {
        const VF low = load(j, i), high = load(j + 1, i);
        immoderate = AddImmoderate(high, AddImmoderate(low, immoderate));
        hn::StoreU(hn::BitCast(d, Interleaved(low, high)), d, packed);
      }
    }
  }
  return IsZero(immoderate);
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_ATTENTION_PANELS_INL_H_
