#include "backends/cpu/kernels/quantized/depthwise_q8.h"

#include <algorithm>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/quantized/depthwise_q8.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/quantized/requantize-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

template <bool kSigned, class D>
HWY_INLINE hn::Vec<D> LoadPixels(D d, const uint8_t* x) {
  if constexpr (kSigned) {
    const hn::Rebind<int8_t, D> d8;
    return hn::PromoteTo(d, hn::LoadU(d8, reinterpret_cast<const int8_t*>(x)));
  } else {
    const hn::Rebind<uint8_t, D> d8;
    return hn::PromoteTo(d, hn::LoadU(d8, x));
  }
}

// Weights for MulAddWide.
template <class D>
HWY_INLINE hn::Vec<D> LoadWeights(D d, const int16_t* w) {
#if SLIPWAY_CPU_HAS_PAIRWISE
  // The upper halves are 0: the pairwise product is that of the lower ones.
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<uint16_t, D> d16;
  return hn::BitCast(d, hn::PromoteTo(du, hn::LoadU(d16, reinterpret_cast<const uint16_t*>(w))));
#else
  const hn::Rebind<int16_t, D> d16;
  return hn::PromoteTo(d, hn::LoadU(d16, w));
#endif
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V MulAddWide(D d, V x, V w, V acc) {
#if SLIPWAY_CPU_HAS_PAIRWISE
  const hn::Repartition<int16_t, D> d16;
  V unused = acc;
  return hn::ReorderWidenMulAccumulate(d, hn::BitCast(d16, x), hn::BitCast(d16, w), acc, unused);
#else
  (void)d;
  return hn::Add(acc, hn::Mul(x, w));
#endif
}

// What is known of a whole convolution when its rows are computed.
template <bool kIsSigned, bool kPlain>
struct KindOf {
  static constexpr bool kSigned = kIsSigned;
  static constexpr bool kIsPlain = kPlain;  // as in RequantizeLanes
};

// One row of output pixels.
struct RowPlace {
  const uint8_t* image;
  uint8_t* y;
  int64_t y0;                      // of the window's first row
  int64_t inner_begin, inner_end;  // pixels whose windows lie inside from left to right
};

// kPixels results of the channels from c on; their windows start at column x0 and every `pixel_step` bytes.
template <class Kind, bool kIsBorder, int kPixels, class D>
HWY_INLINE void Block(const DepthwiseQ8& conv, D d, const ChannelScales<D>& scales, const RowPlace& row,
                      int64_t x0, int64_t pixel_step, int64_t c, uint8_t* y, int64_t y_step) {
  using V = hn::Vec<D>;
  const ConvGeometry& g = conv.geometry;
  const DepthwiseFilterQ8& filter = *conv.filter;
  const int64_t width = filter.width();
  V acc[kPixels];
  const V bias = hn::LoadU(d, filter.bias.data() + c);
#pragma GCC unroll 4
  for (int i = 0; i < kPixels; ++i) acc[i] = bias;
  const int16_t* w = filter.weights.data() + c;
  for (int64_t ky = 0; ky < g.kernel_h; ++ky) {
    const int64_t iy = row.y0 + ky * g.dilation_h;
    const bool is_in = static_cast<uint64_t>(iy) < static_cast<uint64_t>(g.in_h);
    const uint8_t* from = is_in ? row.image + (iy * g.in_w + x0) * g.in_step + c : filter.zeros.data() + c;
    const int64_t tap = is_in ? g.dilation_w * g.in_step : 0;
    const int64_t step = is_in ? pixel_step : 0;
    for (int64_t kx = 0; kx < g.kernel_w; ++kx, w += width, from += tap) {
      const V weight = LoadWeights(d, w);
      const uint8_t* at = from;
      if constexpr (kIsBorder) {
        const int64_t ix = x0 + kx * g.dilation_w;
        if (static_cast<uint64_t>(ix) >= static_cast<uint64_t>(g.in_w)) at = filter.zeros.data() + c;
      }
#pragma GCC unroll 4
      for (int i = 0; i < kPixels; ++i)
        acc[i] = MulAddWide(d, LoadPixels<Kind::kSigned>(d, at + i * step), weight, acc[i]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kPixels; ++i)
    StoreBytes(d, RequantizeLanes<Kind::kIsPlain>(d, acc[i], scales), y + i * y_step + c);
}

// Pixels [begin, end) in units of `unit` pixels that lie side by side; where unit is not 1, all are inner
// ones.
template <class Kind, class D>
HWY_NOINLINE void Pixels(const DepthwiseQ8& conv, const RowPlace& row, int64_t begin, int64_t end,
                         int64_t unit, int64_t c) {
  const D d;
  const ConvGeometry& g = conv.geometry;
  const ChannelScales<D> scales(d, *conv.requantizer, c);
  const int64_t step = unit * g.stride_w * g.in_step;
  const int64_t y_step = unit * g.out_step;
  const int64_t inner_end = std::min(end, row.inner_end);
  for (int64_t ox = begin; ox < end;) {
    const int64_t x0 = ox * g.stride_w - g.pad_w;
    uint8_t* y = row.y + ox * g.out_step;
    if (ox < row.inner_begin || ox + unit > row.inner_end) {
      Block<Kind, true, 1>(conv, d, scales, row, x0, step, c, y, y_step);
      ox += unit;
    } else if (ox + 4 * unit > inner_end) {
      Block<Kind, false, 1>(conv, d, scales, row, x0, step, c, y, y_step);
      ox += unit;
    } else {
      Block<Kind, false, 4>(conv, d, scales, row, x0, step, c, y, y_step);
      ox += 4 * unit;
    }
  }
}

// body(tag, c) for vectors that cover [0, count); the last one may overlap the one before.
template <class Body>
HWY_INLINE void ForVectors(int64_t count, const Body& body) {
  const auto all = [&](auto d) HWY_ATTR {
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    if (count < lanes) return false;
    for (int64_t c = 0; c < count; c += lanes) body(d, std::min(c, count - lanes));
    return true;
  };
  if (all(hn::CappedTag<int32_t, 16>())) return;
  if (all(hn::CappedTag<int32_t, 8>())) return;
  all(hn::CappedTag<int32_t, 4>());
}

template <class Kind>
void Row(const DepthwiseQ8& conv, int64_t row) {
  const ConvGeometry& g = conv.geometry;
  const DepthwiseFilterQ8& filter = *conv.filter;
  const int64_t reach = (g.kernel_w - 1) * g.dilation_w;
  RowPlace place;
  place.image = conv.x + row / g.out_h * g.in_h * g.in_w * g.in_step;
  place.y = conv.y + row * g.out_w * g.out_step;
  place.y0 = row % g.out_h * g.stride_h - g.pad_h;
  const int64_t last = g.in_w - 1 - reach + g.pad_w;  // of ox * stride
  place.inner_begin = std::min(g.out_w, (g.pad_w + g.stride_w - 1) / g.stride_w);
  place.inner_end = last < 0 ? 0 : std::min(g.out_w, last / g.stride_w + 1);
  place.inner_end = std::max(place.inner_begin, place.inner_end);
  int64_t single = 0;  // pixels from there on are done one by one
  if (filter.fold > 1) {
    single = place.inner_begin + (place.inner_end - place.inner_begin) / filter.fold * filter.fold;
    ForVectors(filter.width(), [&](auto d, int64_t c) HWY_ATTR {
      Pixels<Kind, decltype(d)>(conv, place, place.inner_begin, single, filter.fold, c);
    });
  }
  ForVectors(filter.channels, [&](auto d, int64_t c) HWY_ATTR {
    if (filter.fold > 1) Pixels<Kind, decltype(d)>(conv, place, 0, place.inner_begin, 1, c);
    Pixels<Kind, decltype(d)>(conv, place, single, g.out_w, 1, c);
  });
}

template <class Kind>
void Rows(const DepthwiseQ8& conv, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) Row<Kind>(conv, row);
}

}  // namespace

void RunDepthwise(const DepthwiseQ8& conv, int64_t row_begin, int64_t row_end) {
  const bool is_plain = conv.requantizer->is_plain;
  if (conv.filter->is_signed) {
    return is_plain ? Rows<KindOf<true, true>>(conv, row_begin, row_end)
                    : Rows<KindOf<true, false>>(conv, row_begin, row_end);
  }
  return is_plain ? Rows<KindOf<false, true>>(conv, row_begin, row_end)
                  : Rows<KindOf<false, false>>(conv, row_begin, row_end);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {
HWY_EXPORT(RunDepthwise);
void RunDepthwiseQ8(const DepthwiseQ8& conv, int64_t row_begin, int64_t row_end) {
  HWY_DYNAMIC_DISPATCH(RunDepthwise)(conv, row_begin, row_end);
}

DepthwiseFilterQ8 DepthwiseFilterQ8::Of(const std::vector<int16_t>& weights, const std::vector<int32_t>& bias,
                                        int32_t x_zero, int64_t stride_w) {
  constexpr int64_t kWidest = 16;  // lanes of the widest vectors
  DepthwiseFilterQ8 filter;
  filter.channels = static_cast<int64_t>(bias.size());
  const bool is_narrow = filter.channels < kWidest && kWidest % filter.channels == 0 && stride_w == 1;
  filter.fold = is_narrow ? kWidest / filter.channels : 1;
  const auto channels = static_cast<size_t>(filter.channels);
  const size_t taps = weights.size() / channels;
  std::vector<int32_t> folded(channels);
  for (size_t c = 0; c < channels; ++c) {
    int64_t sum = 0;
    for (size_t t = 0; t < taps; ++t) sum += weights[t * channels + c];
    folded[c] = static_cast<int32_t>(bias[c] - x_zero * sum);
  }
  for (size_t t = 0; t < taps; ++t) {
    for (int64_t i = 0; i < filter.fold; ++i) {
      const auto from = weights.begin() + static_cast<int64_t>(t) * filter.channels;
      filter.weights.insert(filter.weights.end(), from, from + filter.channels);
    }
  }
  for (int64_t i = 0; i < filter.fold; ++i)
    filter.bias.insert(filter.bias.end(), folded.begin(), folded.end());
  // Vectors narrower than the channels read as many bytes as they have lanes, never more than the channels.
  filter.zeros.assign(static_cast<size_t>(filter.width()), static_cast<uint8_t>(x_zero));
  return filter;
}

}  // namespace slipway::cpu
#endif
