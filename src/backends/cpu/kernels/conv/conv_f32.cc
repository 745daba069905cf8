#include "backends/cpu/kernels/conv/conv_f32.h"

#include <algorithm>
#include <cstring>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/conv/conv_f32.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/simd/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

using DF = hn::CappedTag<float, 16>;
using VF = hn::Vec<DF>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(DF()));
constexpr int kVectors = static_cast<int>(kPanel) / kLanes;  // per panel
// Accumulators, a weight per vector and one broadcast must fit the registers: 32 of AVX-512 and NEON,
// else 16.
constexpr int kTile = kLanes == 16 ? 12 : kLanes == 8 ? 6 : HWY_ARCH_ARM_A64 ? 6 : 2;
constexpr int kTilePanels = kLanes == 16 ? 2 : 1;

// The tile's place: top left of the window of each pixel.
template <int kRows>
struct Tile {
  int64_t y[kRows], x[kRows];
  const float* image[kRows];
  bool is_inside = true;
};

template <int kRows>
HWY_INLINE void Locate(const ConvF32& conv, int64_t pixel, int64_t last, Tile<kRows>& tile) {
  const ConvGeometry& g = conv.geometry;
  const int64_t reach_h = (g.kernel_h - 1) * g.dilation_h;
  const int64_t reach_w = (g.kernel_w - 1) * g.dilation_w;
  int64_t ox = pixel % g.out_w;
  int64_t oy = pixel / g.out_w % g.out_h;
  int64_t n = pixel / g.out_w / g.out_h;
  for (int i = 0; i < kRows; ++i) {
    tile.y[i] = oy * g.stride_h - g.pad_h;
    tile.x[i] = ox * g.stride_w - g.pad_w;
    tile.image[i] = conv.x + n * g.in_h * g.in_w * g.in_step;
    tile.is_inside &=
        tile.y[i] >= 0 && tile.x[i] >= 0 && tile.y[i] + reach_h < g.in_h && tile.x[i] + reach_w < g.in_w;
    if (pixel + i >= last) continue;  // rows beyond the end repeat the last pixel
    if (++ox < g.out_w) continue;
    ox = 0;
    if (++oy < g.out_h) continue;
    oy = 0;
    ++n;
  }
}

// acc += rows' `count` elements times the weights at w.
template <int kRows, int kPanels>
HWY_INLINE void Accumulate(const float* const* HWY_RESTRICT rows, int64_t count, const float* HWY_RESTRICT w,
                           int64_t panel_step, VF (&acc)[kRows][kPanels * kVectors]) {
  const DF d;
  const float* at[kRows];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) at[i] = rows[i];
  for (int64_t c = 0; c < count; ++c, w += kPanel) {
    VF weight[kPanels * kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kPanels * kVectors; ++v) {
      weight[v] = hn::LoadU(d, w + (v / kVectors) * panel_step + (v % kVectors) * kLanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const VF value = hn::Set(d, at[i][c]);
#pragma GCC unroll 16
      for (int v = 0; v < kPanels * kVectors; ++v) acc[i][v] = hn::MulAdd(value, weight[v], acc[i][v]);
    }
  }
}

template <int kRows, int kPanels>
HWY_INLINE void Store(const ConvF32& conv, int64_t pixel, int64_t rows, int64_t panel,
                      const VF (&acc)[kRows][kPanels * kVectors]) {
  const DF d;
  const ConvGeometry& g = conv.geometry;
  const int64_t channel = panel * kPanel;
  const int64_t channels = std::min<int64_t>(kPanels * kPanel, g.out_c - channel);
  HWY_ALIGN float buffer[kRows * kPanels * kPanel];
  const bool is_whole = channels == kPanels * kPanel && rows == kRows;
  float* to = is_whole ? conv.y + pixel * g.out_step + channel : buffer;
  const int64_t step = is_whole ? g.out_step : kPanels * kPanel;
  WithActivation(d, conv.activation, [&](auto f) HWY_ATTR {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
      for (int v = 0; v < kPanels * kVectors; ++v) hn::StoreU(f(acc[i][v]), d, to + i * step + v * kLanes);
    }
  });
  if (is_whole) return;
  for (int64_t i = 0; i < rows; ++i) {
    std::memcpy(conv.y + (pixel + i) * g.out_step + channel, buffer + i * kPanels * kPanel,
                static_cast<size_t>(channels) * sizeof(float));
  }
}

template <int kRows, int kPanels>
HWY_NOINLINE void RunTile(const ConvF32& conv, int64_t pixel, int64_t rows, int64_t panel) {
  const DF d;
  const ConvGeometry& g = conv.geometry;
  Tile<kRows> tile;
  Locate<kRows>(conv, pixel, pixel + rows - 1, tile);
  const int64_t panel_step = g.taps() * g.in_c * kPanel;
  const float* w = conv.weights + panel * panel_step;
  VF acc[kRows][kPanels * kVectors];
#pragma GCC unroll 16
  for (int v = 0; v < kPanels * kVectors; ++v) {
    const VF bias = hn::LoadU(d, conv.bias + panel * kPanel + v * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) acc[i][v] = bias;
  }
  const float* at[kRows];
  const bool is_merged = tile.is_inside && g.in_step == g.in_c && g.dilation_w == 1;
  const int64_t taps_w = is_merged ? 1 : g.kernel_w;
  const int64_t count = is_merged ? g.kernel_w * g.in_c : g.in_c;
  for (int64_t ky = 0; ky < g.kernel_h; ++ky) {
    for (int64_t kx = 0; kx < taps_w; ++kx) {
      bool is_seen = tile.is_inside;
      for (int i = 0; i < kRows; ++i) {
        const int64_t y = tile.y[i] + ky * g.dilation_h;
        const int64_t x = tile.x[i] + kx * g.dilation_w;
        const bool is_in = static_cast<uint64_t>(y) < static_cast<uint64_t>(g.in_h) &&
                           static_cast<uint64_t>(x) < static_cast<uint64_t>(g.in_w);
        at[i] = is_in ? tile.image[i] + (y * g.in_w + x) * g.in_step : conv.zeros;
        is_seen |= is_in;
      }
      if (is_seen) Accumulate<kRows, kPanels>(at, count, w, panel_step, acc);
      w += count * kPanel;
    }
  }
  Store<kRows, kPanels>(conv, pixel, rows, panel, acc);
}

template <int kPanels>
void RunPixels(const ConvF32& conv, int64_t begin, int64_t end, int64_t panel) {
  int64_t pixel = begin;
  for (; pixel + kTile <= end; pixel += kTile) RunTile<kTile, kPanels>(conv, pixel, kTile, panel);
  constexpr int kHalf = kTile / 2;
  while (pixel < end) {
    const int64_t rest = end - pixel;
    if (rest > kHalf) {
      RunTile<kTile, kPanels>(conv, pixel, rest, panel);
      return;
    }
    if (rest > 1 && kHalf > 1) {
      RunTile<kHalf, kPanels>(conv, pixel, rest, panel);
      return;
    }
    RunTile<1, kPanels>(conv, pixel, 1, panel);
    ++pixel;
  }
}

}  // namespace

void RunConv(const ConvF32& conv, int64_t pixel_begin, int64_t pixel_end, int64_t panel_begin,
             int64_t panel_end) {
  int64_t panel = panel_begin;
  for (; panel + kTilePanels <= panel_end; panel += kTilePanels) {
    RunPixels<kTilePanels>(conv, pixel_begin, pixel_end, panel);
  }
  for (; panel < panel_end; ++panel) RunPixels<1>(conv, pixel_begin, pixel_end, panel);
}

int64_t TilePixels() { return kTile; }

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {

HWY_EXPORT(RunConv);
HWY_EXPORT(TilePixels);

void RunConvF32(const ConvF32& conv, int64_t pixel_begin, int64_t pixel_end, int64_t panel_begin,
                int64_t panel_end) {
  HWY_DYNAMIC_DISPATCH(RunConv)(conv, pixel_begin, pixel_end, panel_begin, panel_end);
}

int64_t ConvF32TilePixels() { return HWY_DYNAMIC_DISPATCH(TilePixels)(); }

}  // namespace slipway::cpu
#endif
