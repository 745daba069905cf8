#include "backends/cpu/kernels/pool/pool.h"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace slipway::cpu {
namespace {

constexpr int64_t kBlock = 64;  // channels at a time, held on the stack

// Calls fold(pointer to the pixel's channels) for every pixel of the window inside the image.
template <class T, class F>
int64_t ForEachInside(const ConvGeometry& g, const T* image, int64_t oy, int64_t ox, const F& fold) {
  int64_t count = 0;
  for (int64_t ky = 0; ky < g.kernel_h; ++ky) {
    const int64_t y = oy * g.stride_h - g.pad_h + ky * g.dilation_h;
    if (y < 0 || y >= g.in_h) continue;
    for (int64_t kx = 0; kx < g.kernel_w; ++kx) {
      const int64_t x = ox * g.stride_w - g.pad_w + kx * g.dilation_w;
      if (x < 0 || x >= g.in_w) continue;
      fold(image + (y * g.in_w + x) * g.in_step);
      ++count;
    }
  }
  return count;
}

// Folds every window, kBlock channels at a time: start, fold one pixel, finish.
template <class T, class Sum, class Fold, class Finish>
void FoldRows(const Pool& pool, const T* x, int64_t begin, int64_t end, T* y, Sum start, const Fold& fold,
              const Finish& finish) {
  const ConvGeometry& g = pool.geometry;
  Sum sums[kBlock];
  for (int64_t row = begin; row < end; ++row) {
    const T* image = x + row / g.out_h * g.in_h * g.in_w * g.in_step;
    for (int64_t ox = 0; ox < g.out_w; ++ox) {
      T* to = y + (row * g.out_w + ox) * g.in_step;
      for (int64_t c0 = 0; c0 < g.in_step; c0 += kBlock) {
        const int64_t width = std::min(kBlock, g.in_step - c0);
        std::fill_n(sums, width, start);
        const int64_t count = ForEachInside(g, image, row % g.out_h, ox, [&](const T* from) {
          for (int64_t c = 0; c < width; ++c) sums[c] = fold(sums[c], from[c0 + c]);
        });
        for (int64_t c = 0; c < width; ++c) to[c0 + c] = finish(sums[c], count);
      }
    }
  }
}

}  // namespace

template <class T>
void MaxPoolRows(const Pool& pool, const T* x, int64_t begin, int64_t end, T* y) {
  const T lowest =
      std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  const T low = std::is_floating_point_v<T> ? static_cast<T>(pool.activation.low) : static_cast<T>(pool.low);
  const T high =
      std::is_floating_point_v<T> ? static_cast<T>(pool.activation.high) : static_cast<T>(pool.high);
  FoldRows<T, T>(
      pool, x, begin, end, y, lowest, [](T a, T b) { return b > a ? b : a; },
      [=](T sum, int64_t) { return std::min(std::max(sum, low), high); });
}

void AveragePoolRows(const Pool& pool, const float* x, int64_t begin, int64_t end, float* y) {
  const FusedActivation& act = pool.activation;
  FoldRows<float, float>(
      pool, x, begin, end, y, 0.0F, [](float a, float b) { return a + b; },
      [&](float sum, int64_t count) {
        const float mean = count == 0 ? 0 : sum / static_cast<float>(count);
        return std::min(std::max(mean, act.low), act.high);
      });
}

template <class T>
void AveragePoolRowsInteger(const Pool& pool, const T* x, int64_t begin, int64_t end, T* y) {
  FoldRows<T, int32_t>(
      pool, x, begin, end, y, 0, [](int32_t a, T b) { return a + b; },
      [&](int32_t sum, int64_t count) {
        const auto n = static_cast<int32_t>(std::max<int64_t>(count, 1));
        const int32_t mean = sum > 0 ? (sum + n / 2) / n : (sum - n / 2) / n;
        return static_cast<T>(std::clamp<int64_t>(mean, pool.low, pool.high));
      });
}

template void MaxPoolRows<float>(const Pool&, const float*, int64_t, int64_t, float*);
template void MaxPoolRows<int8_t>(const Pool&, const int8_t*, int64_t, int64_t, int8_t*);
template void MaxPoolRows<uint8_t>(const Pool&, const uint8_t*, int64_t, int64_t, uint8_t*);
template void AveragePoolRowsInteger<int8_t>(const Pool&, const int8_t*, int64_t, int64_t, int8_t*);
template void AveragePoolRowsInteger<uint8_t>(const Pool&, const uint8_t*, int64_t, int64_t, uint8_t*);

}  // namespace slipway::cpu
