#include "backends/cpu/kernels/pool/pool.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/pool/pool.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/simd/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kBlock = 64;  // results at a time, held on the stack

// The taps of one axis that lie inside: [begin, end), and how many the padded image has.
struct Taps {
  int64_t begin, end, padded;
};
HWY_INLINE Taps TapsAt(int64_t start, int64_t kernel, int64_t dilation, int64_t extent, int64_t pad_end) {
  Taps taps{0, kernel, 0};
  while (taps.begin < kernel && start + taps.begin * dilation < 0) ++taps.begin;
  while (taps.end > taps.begin && start + (taps.end - 1) * dilation >= extent) --taps.end;
  taps.padded = kernel;
  while (taps.padded > 0 && start + (taps.padded - 1) * dilation >= extent + pad_end) --taps.padded;
  return taps;
}

template <class T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, float, int32_t>;

template <class T>
HWY_INLINE T FinishMax(const Pool& pool, T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::min(std::max(value, pool.activation.low), pool.activation.high);
  } else {
    return static_cast<T>(std::min<int64_t>(std::max<int64_t>(value, pool.low), pool.high));
  }
}

template <class T>
HWY_INLINE T FinishMean(const Pool& pool, Sum<T> sum, int64_t count) {
  if constexpr (std::is_floating_point_v<T>) {
    const float mean = count == 0 ? 0 : sum / static_cast<float>(count);
    return std::min(std::max(mean, pool.activation.low), pool.activation.high);
  } else {
    const auto n = static_cast<int32_t>(std::max<int64_t>(count, 1));
    const int32_t mean = sum > 0 ? (sum + n / 2) / n : (sum - n / 2) / n;
    return static_cast<T>(std::clamp<int64_t>(mean, pool.low, pool.high));
  }
}

template <class T>
T LowestOf() {
  return std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
}

// Vectors of at most 16 channels of f32, 64 of bytes.
template <class T>
using Lanes = hn::CappedTag<T, 64 / sizeof(T)>;

// A value that the type holds.
template <class T>
T Within(int64_t value) {
  return static_cast<T>(
      std::clamp<int64_t>(value, std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()));
}

// kVectors vectors of channels of one output pixel. image: at the first of the channels, `count`: what a mean
// is divided by.
template <bool kMax, int kVectors, class T>
HWY_INLINE void PoolVectors(const Pool& pool, const T* image, const Taps& ty, const Taps& tx, int64_t y0,
                            int64_t x0, int64_t count, T* to) {
  const ConvGeometry& g = pool.geometry;
  const Lanes<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t right = g.dilation_w * g.in_step;
  const int64_t down = g.dilation_h * g.in_w * g.in_step;
  const T* first =
      image + ((y0 + ty.begin * g.dilation_h) * g.in_w + x0 + tx.begin * g.dilation_w) * g.in_step;
  const bool is_empty = ty.begin >= ty.end || tx.begin >= tx.end;
  hn::Vec<decltype(d)> sums[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    if constexpr (kMax) {
      sums[v] = is_empty ? hn::Set(d, LowestOf<T>()) : hn::LoadU(d, first + v * lanes);
    } else {
      sums[v] = hn::Zero(d);
    }
  }
  for (int64_t ky = ty.begin; ky < ty.end; ++ky, first += down) {
    const T* from = first;
    for (int64_t kx = tx.begin; kx < tx.end; ++kx, from += right) {
      for (int v = 0; v < kVectors; ++v) {
        const auto value = hn::LoadU(d, from + v * lanes);
        if constexpr (!kMax) {
          sums[v] = hn::Add(sums[v], value);
        } else if constexpr (std::is_floating_point_v<T>) {
          sums[v] = hn::IfThenElse(hn::Gt(value, sums[v]), value, sums[v]);
        } else {
          sums[v] = hn::Max(sums[v], value);
        }
      }
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    auto result = sums[v];
    if constexpr (std::is_floating_point_v<T>) {
      if constexpr (!kMax) {
        result = count == 0 ? hn::Zero(d) : Divide(result, hn::Set(d, static_cast<T>(count)));
      }
      result = ClampTo(hn::Set(d, pool.activation.low), hn::Set(d, pool.activation.high), result, d);
    } else {
      result = hn::Min(hn::Max(result, hn::Set(d, Within<T>(pool.low))), hn::Set(d, Within<T>(pool.high)));
    }
    hn::StoreU(result, d, to + v * lanes);
  }
}

// One output pixel of all channels; kMax: largest, else mean.
template <bool kMax, class T>
HWY_INLINE void PoolPixel(const Pool& pool, const T* image, const Taps& ty, const Taps& tx, int64_t y0,
                          int64_t x0, T* to) {
  const ConvGeometry& g = pool.geometry;
  using Acc = std::conditional_t<kMax, T, Sum<T>>;
  Acc sums[kBlock];
  const int64_t inside = (ty.end - ty.begin) * (tx.end - tx.begin);
  const int64_t count = pool.counts_padding ? ty.padded * tx.padded : inside;
  int64_t c0 = 0;
  if constexpr (kMax || std::is_floating_point_v<T>) {
    const auto lanes = static_cast<int64_t>(hn::Lanes(Lanes<T>()));
    for (; c0 + 4 * lanes <= g.in_c; c0 += 4 * lanes)
      PoolVectors<kMax, 4, T>(pool, image + c0, ty, tx, y0, x0, count, to + c0);
    for (; c0 < g.in_c && g.in_c >= lanes; c0 += lanes) {
      c0 = std::min(c0, g.in_c - lanes);  // the last vector does some channels once more
      PoolVectors<kMax, 1, T>(pool, image + c0, ty, tx, y0, x0, count, to + c0);
    }
  }
  for (; c0 < g.in_c; c0 += kBlock) {
    const int64_t width = std::min(kBlock, g.in_c - c0);
    bool is_first = true;
    std::fill_n(sums, width, kMax ? static_cast<Acc>(LowestOf<T>()) : Acc{0});
    for (int64_t ky = ty.begin; ky < ty.end; ++ky) {
      for (int64_t kx = tx.begin; kx < tx.end; ++kx) {
        const T* from = image + ((y0 + ky * g.dilation_h) * g.in_w + x0 + kx * g.dilation_w) * g.in_step + c0;
        if (kMax && is_first) {
          for (int64_t c = 0; c < width; ++c) sums[c] = from[c];
        } else if (kMax) {
          for (int64_t c = 0; c < width; ++c) sums[c] = from[c] > sums[c] ? from[c] : sums[c];
        } else {
          for (int64_t c = 0; c < width; ++c) sums[c] += from[c];
        }
        is_first = false;
      }
    }
    for (int64_t c = 0; c < width; ++c) {
      if constexpr (kMax) {
        to[c0 + c] = FinishMax<T>(pool, sums[c]);
      } else {
        to[c0 + c] = FinishMean<T>(pool, sums[c], count);
      }
    }
  }
}

// kBlock output pixels of one row of one plane.
template <bool kMax, class T>
HWY_INLINE void PoolBlock(const Pool& pool, const T* plane, const Taps& ty, int64_t y0, int64_t ox,
                          int64_t width, T* to) {
  const ConvGeometry& g = pool.geometry;
  using Acc = std::conditional_t<kMax, T, Sum<T>>;
  Acc sums[kBlock];
  std::fill_n(sums, width, kMax ? static_cast<Acc>(LowestOf<T>()) : Acc{0});
  for (int64_t ky = ty.begin; ky < ty.end; ++ky) {
    const T* row = plane + (y0 + ky * g.dilation_h) * g.in_w;
    for (int64_t kx = 0; kx < g.kernel_w; ++kx) {
      // Output pixel ox + i reads column first + i * stride.
      const int64_t first = ox * g.stride_w - g.pad_w + kx * g.dilation_w;
      int64_t i = first < 0 ? (-first + g.stride_w - 1) / g.stride_w : 0;
      const int64_t end = first >= g.in_w ? 0 : std::min(width, (g.in_w - 1 - first) / g.stride_w + 1);
      if (g.stride_w == 1) {
        for (; i < end; ++i) {
          const T value = row[first + i];
          if constexpr (kMax) {
            sums[i] = value > sums[i] ? value : sums[i];
          } else {
            sums[i] += value;
          }
        }
        continue;
      }
      for (; i < end; ++i) {
        const T value = row[first + i * g.stride_w];
        if constexpr (kMax) {
          sums[i] = value > sums[i] ? value : sums[i];
        } else {
          sums[i] += value;
        }
      }
    }
  }
  for (int64_t i = 0; i < width; ++i) {
    const int64_t x0 = (ox + i) * g.stride_w - g.pad_w;
    if constexpr (!kMax) {
      const Taps tx = TapsAt(x0, g.kernel_w, g.dilation_w, g.in_w, pool.pad_end_w);
      const int64_t inside = (ty.end - ty.begin) * (tx.end - tx.begin);
      to[i] = FinishMean<T>(pool, sums[i], pool.counts_padding ? ty.padded * tx.padded : inside);
    } else if constexpr (std::is_floating_point_v<T>) {
      const int64_t k = x0 < 0 ? (-x0 + g.dilation_w - 1) / g.dilation_w : 0;
      const bool is_empty = ty.begin >= ty.end || k >= g.kernel_w || x0 + k * g.dilation_w >= g.in_w;
      const T first =
          is_empty ? T{0} : plane[(y0 + ty.begin * g.dilation_h) * g.in_w + x0 + k * g.dilation_w];
      to[i] = FinishMax<T>(pool, std::isnan(first) ? first : sums[i]);
    } else {
      to[i] = FinishMax<T>(pool, sums[i]);
    }
  }
}

template <bool kMax, class T>
HWY_INLINE void PoolRows(const Pool& pool, const T* x, int64_t begin, int64_t end, T* y) {
  const ConvGeometry& g = pool.geometry;
  for (int64_t row = begin; row < end; ++row) {
    const T* image = x + row / g.out_h * g.in_h * g.in_w * g.in_step;
    const int64_t y0 = row % g.out_h * g.stride_h - g.pad_h;
    const Taps ty = TapsAt(y0, g.kernel_h, g.dilation_h, g.in_h, pool.pad_end_h);
    T* to = y + row * g.out_w * g.out_step;
    if (g.in_c == 1 && g.in_step == 1 && g.out_step == 1) {
      for (int64_t ox = 0; ox < g.out_w; ox += kBlock)
        PoolBlock<kMax, T>(pool, image, ty, y0, ox, std::min(kBlock, g.out_w - ox), to + ox);
      continue;
    }
    for (int64_t ox = 0; ox < g.out_w; ++ox) {
      const int64_t x0 = ox * g.stride_w - g.pad_w;
      const Taps tx = TapsAt(x0, g.kernel_w, g.dilation_w, g.in_w, pool.pad_end_w);
      PoolPixel<kMax, T>(pool, image, ty, tx, y0, x0, to + ox * g.out_step);
    }
  }
}

}  // namespace

void MaxF32(const Pool& pool, const float* x, int64_t begin, int64_t end, float* y) {
  PoolRows<true, float>(pool, x, begin, end, y);
}
void AverageF32(const Pool& pool, const float* x, int64_t begin, int64_t end, float* y) {
  PoolRows<false, float>(pool, x, begin, end, y);
}
void MaxI8(const Pool& pool, const int8_t* x, int64_t begin, int64_t end, int8_t* y) {
  PoolRows<true, int8_t>(pool, x, begin, end, y);
}
void AverageI8(const Pool& pool, const int8_t* x, int64_t begin, int64_t end, int8_t* y) {
  PoolRows<false, int8_t>(pool, x, begin, end, y);
}
void MaxU8(const Pool& pool, const uint8_t* x, int64_t begin, int64_t end, uint8_t* y) {
  PoolRows<true, uint8_t>(pool, x, begin, end, y);
}
void AverageU8(const Pool& pool, const uint8_t* x, int64_t begin, int64_t end, uint8_t* y) {
  PoolRows<false, uint8_t>(pool, x, begin, end, y);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {

HWY_EXPORT(MaxF32);
HWY_EXPORT(AverageF32);
HWY_EXPORT(MaxI8);
HWY_EXPORT(AverageI8);
HWY_EXPORT(MaxU8);
HWY_EXPORT(AverageU8);

template <>
void MaxPoolRows<float>(const Pool& pool, const float* x, int64_t begin, int64_t end, float* y) {
  HWY_DYNAMIC_DISPATCH(MaxF32)(pool, x, begin, end, y);
}
template <>
void AveragePoolRows<float>(const Pool& pool, const float* x, int64_t begin, int64_t end, float* y) {
  HWY_DYNAMIC_DISPATCH(AverageF32)(pool, x, begin, end, y);
}
template <>
void MaxPoolRows<int8_t>(const Pool& pool, const int8_t* x, int64_t begin, int64_t end, int8_t* y) {
  HWY_DYNAMIC_DISPATCH(MaxI8)(pool, x, begin, end, y);
}
template <>
void AveragePoolRows<int8_t>(const Pool& pool, const int8_t* x, int64_t begin, int64_t end, int8_t* y) {
  HWY_DYNAMIC_DISPATCH(AverageI8)(pool, x, begin, end, y);
}
template <>
void MaxPoolRows<uint8_t>(const Pool& pool, const uint8_t* x, int64_t begin, int64_t end, uint8_t* y) {
  HWY_DYNAMIC_DISPATCH(MaxU8)(pool, x, begin, end, y);
}
template <>
void AveragePoolRows<uint8_t>(const Pool& pool, const uint8_t* x, int64_t begin, int64_t end, uint8_t* y) {
  HWY_DYNAMIC_DISPATCH(AverageU8)(pool, x, begin, end, y);
}

}  // namespace slipway::cpu
#endif
