#include "backends/cpu/kernels/depthwise/depthwise_f32.h"

#include <algorithm>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/depthwise/depthwise_f32.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/simd/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

// kPixels neighbouring output pixels whose windows lie inside the image from left to right; taps ky in [ky0,
// ky1), kx in [kx0, kx1).
struct Taps {
  int64_t ky0, ky1, kx0, kx1;
};

template <int kPixels, class D>
HWY_INLINE void Channels(const DepthwiseF32& conv, D d, const float* x, const Taps& taps, int64_t c,
                         float* y) {
  using V = hn::Vec<D>;
  const ConvGeometry& g = conv.geometry;
  V acc[kPixels];
  const V bias = hn::LoadU(d, conv.bias + c);
#pragma GCC unroll 4
  for (int i = 0; i < kPixels; ++i) acc[i] = bias;
  const int64_t step = g.stride_w * g.in_step;
  for (int64_t ky = taps.ky0; ky < taps.ky1; ++ky) {
    for (int64_t kx = taps.kx0; kx < taps.kx1; ++kx) {
      const V w = hn::LoadU(d, conv.weights + (ky * g.kernel_w + kx) * g.in_step + c);
      const float* from = x + (ky * g.dilation_h * g.in_w + kx * g.dilation_w) * g.in_step + c;
#pragma GCC unroll 4
      for (int i = 0; i < kPixels; ++i) acc[i] = hn::MulAdd(hn::LoadU(d, from + i * step), w, acc[i]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kPixels; ++i) hn::StoreU(acc[i], d, y + i * g.out_step + c);
}

template <int kPixels>
HWY_INLINE void Pixels(const DepthwiseF32& conv, const float* x, const Taps& taps, float* y) {
  const hn::CappedTag<float, 16> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t channels = conv.geometry.in_step;
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) Channels<kPixels>(conv, d, x, taps, c, y);
  for (; c < channels; ++c) Channels<kPixels>(conv, one, x, taps, c, y);
}

// Taps k with 0 <= start + k * dilation < extent.
HWY_INLINE void Inside(int64_t start, int64_t dilation, int64_t extent, int64_t kernel, int64_t& first,
                       int64_t& last) {
  first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  last = start >= extent ? 0 : std::min(kernel, (extent - start + dilation - 1) / dilation);
  if (last < first) last = first;
}

HWY_INLINE void Row(const DepthwiseF32& conv, int64_t row) {
  const ConvGeometry& g = conv.geometry;
  const int64_t n = row / g.out_h;
  const int64_t y0 = row % g.out_h * g.stride_h - g.pad_h;
  Taps taps;
  Inside(y0, g.dilation_h, g.in_h, g.kernel_h, taps.ky0, taps.ky1);
  const float* image = conv.x + n * g.in_h * g.in_w * g.in_step;
  float* y = conv.y + row * g.out_w * g.out_step;
  const int64_t reach = (g.kernel_w - 1) * g.dilation_w;
  for (int64_t ox = 0; ox < g.out_w;) {
    const int64_t x0 = ox * g.stride_w - g.pad_w;
    const float* from = image + (y0 * g.in_w + x0) * g.in_step;
    const bool is_inside = x0 >= 0 && x0 + 3 * g.stride_w + reach < g.in_w && ox + 4 <= g.out_w;
    Inside(x0, g.dilation_w, g.in_w, g.kernel_w, taps.kx0, taps.kx1);
    if (is_inside) {
      Pixels<4>(conv, from, taps, y + ox * g.out_step);
      ox += 4;
    } else {
      Pixels<1>(conv, from, taps, y + ox * g.out_step);
      ++ox;
    }
  }
  ActivateRow(conv.activation, y, static_cast<size_t>(g.out_w * g.out_step));
}

}  // namespace

void RunDepthwise(const DepthwiseF32& conv, int64_t row_begin, int64_t row_end) {
  for (int64_t row = row_begin; row < row_end; ++row) Row(conv, row);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {
HWY_EXPORT(RunDepthwise);
void RunDepthwiseF32(const DepthwiseF32& conv, int64_t row_begin, int64_t row_end) {
  HWY_DYNAMIC_DISPATCH(RunDepthwise)(conv, row_begin, row_end);
}
}  // namespace slipway::cpu
#endif
