#include "backends/cpu/kernels/quantized/conv_q8.h"

#include <algorithm>
#include <cstring>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/quantized/conv_q8.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/quantized/requantize-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

using DI = hn::CappedTag<int32_t, 16>;
using VI = hn::Vec<DI>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(DI()));
constexpr int kVectors = static_cast<int>(kQuantPanel) / kLanes;  // per panel
// As in conv_f32.cc: accumulators, weights and one broadcast must fit the registers.
constexpr int kTile = kLanes == 16 ? 12 : kLanes == 8 ? 6 : HWY_ARCH_ARM_A64 ? 4 : 2;
constexpr int kTilePanels = kLanes == 16 ? 2 : 1;
constexpr int64_t kBlockRows = 48;  // pixels gathered at a time

// acc + pairs of 16-bit products, for 32-bit lanes that hold two numbers each.
HWY_INLINE VI PairMulAdd(VI a, VI b, VI acc) {
#if SLIPWAY_CPU_HAS_PAIRWISE
  const hn::Repartition<int16_t, DI> d16;
  VI unused = acc;
  return hn::ReorderWidenMulAccumulate(DI(), hn::BitCast(d16, a), hn::BitCast(d16, b), acc, unused);
#else
  const auto low = [](VI v) HWY_ATTR { return hn::ShiftRight<16>(hn::ShiftLeft<16>(v)); };
  const auto high = [](VI v) HWY_ATTR { return hn::ShiftRight<16>(v); };
  return hn::Add(acc, hn::Add(hn::Mul(low(a), low(b)), hn::Mul(high(a), high(b))));
#endif
}

template <int kRows, int kPanels>
HWY_NOINLINE void WidenTile(const DotCall& call) {
  const DI d;
  VI acc[kRows][kPanels * kVectors];
#pragma GCC unroll 16
  for (int v = 0; v < kPanels * kVectors; ++v) {
    const VI bias = hn::LoadU(d, call.bias + v * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) acc[i][v] = bias;
  }
  for (int64_t g = 0; g < call.groups; ++g) {
    VI weight[kPanels * kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kPanels * kVectors; ++v) {
      const WeightLine* line = call.weights + v / kVectors * call.groups + g;
      weight[v] = hn::LoadU(d, reinterpret_cast<const int32_t*>(line->bytes) + v % kVectors * kLanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      int32_t pair;
      std::memcpy(&pair, call.rows + i * call.row_step + g * 4, 4);
      const VI row = hn::Set(d, pair);
#pragma GCC unroll 16
      for (int v = 0; v < kPanels * kVectors; ++v) acc[i][v] = PairMulAdd(row, weight[v], acc[i][v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kPanels * kVectors; ++v)
      hn::StoreU(acc[i][v], d, call.acc + i * kPanels * kQuantPanel + v * kLanes);
  }
}

template <int kPanels>
void WidenRows(DotCall call, int64_t rows) {
  constexpr int kHalf = kTile / 2;
  while (rows > 0) {
    const int done = rows >= kTile ? kTile : rows >= kHalf ? kHalf : 1;
    if (done == kTile) {
      WidenTile<kTile, kPanels>(call);
    } else if (done == kHalf) {
      WidenTile<kHalf, kPanels>(call);
    } else {
      WidenTile<1, kPanels>(call);
    }
    rows -= done;
    call.rows += done * call.row_step;
    call.acc += done * kPanels * kQuantPanel;
  }
}

void Dot(DotForm form, const DotCall& call, int64_t rows, int64_t panels) {
  if (form == DotForm::kVnni) return DotVnni(call, rows, panels);
  if (form == DotForm::kSdot) return DotSdot(call, rows, panels);
  if (panels == 1) return WidenRows<1>(call, rows);
  WidenRows<kTilePanels>(call, rows);
}

// Writes rows of windows. What is copied beyond the end of a run is overwritten by the next one; the buffer
// has room for that behind its last row.
template <bool kIsOfBytes>
class Gatherer {
 public:
  explicit Gatherer(const ConvQ8& conv)
      : g_(conv.geometry),
        x_(conv.x),
        x_end_(conv.x_end),
        row_bytes_(conv.filter->row_bytes()),
        x_zero_(conv.filter->x_zero),
        is_signed_(conv.filter->is_signed),
        flip_(conv.filter->is_flipped ? 0x80 : 0) {}

  // The windows of `rows` pixels from `pixel` on.
  HWY_INLINE void Rows(int64_t pixel, int64_t rows, uint8_t* to) const {
    int64_t ox = pixel % g_.out_w;
    int64_t oy = pixel / g_.out_w % g_.out_h;
    int64_t n = pixel / g_.out_w / g_.out_h;
    for (int64_t i = 0; i < rows; ++i, to += row_bytes_) {
      Row(n, oy, ox, to);
      if (++ox < g_.out_w) continue;
      ox = 0;
      if (++oy < g_.out_h) continue;
      oy = 0;
      ++n;
    }
  }

 private:
  using D16 = hn::CappedTag<int16_t, 16>;
  using D8 = hn::Rebind<uint8_t, D16>;
  static constexpr auto kStep = static_cast<int64_t>(hn::MaxLanes(D16()));

  HWY_INLINE void Row(int64_t n, int64_t oy, int64_t ox, uint8_t* to) const {
    const int64_t y0 = oy * g_.stride_h - g_.pad_h;
    const int64_t x0 = ox * g_.stride_w - g_.pad_w;
    const uint8_t* image = x_ + n * g_.in_h * g_.in_w * g_.in_step;
    const int64_t reach = (g_.kernel_w - 1) * g_.dilation_w;
    const bool is_merged = g_.dilation_w == 1 && g_.in_step == g_.in_c && x0 >= 0 && x0 + reach < g_.in_w;
    const int64_t taps = is_merged ? 1 : g_.kernel_w;
    const int64_t count = is_merged ? g_.kernel_w * g_.in_c : g_.in_c;
    int64_t at = 0;
    for (int64_t ky = 0; ky < g_.kernel_h; ++ky) {
      const int64_t y = y0 + ky * g_.dilation_h;
      for (int64_t kx = 0; kx < taps; ++kx, at += count) {
        const int64_t x = x0 + kx * g_.dilation_w;
        const bool is_in = static_cast<uint64_t>(y) < static_cast<uint64_t>(g_.in_h) &&
                           static_cast<uint64_t>(x) < static_cast<uint64_t>(g_.in_w);
        if (is_in) {
          Copy(image + (y * g_.in_w + x) * g_.in_step, count, at, to);
        } else {
          Fill(count, at, to);
        }
      }
    }
    const int64_t bytes = at * (kIsOfBytes ? 1 : 2);
    for (int64_t i = bytes; i < row_bytes_; ++i) to[i] = 0;
  }

  HWY_INLINE void Store(hn::Vec<D8> bytes, int64_t at, uint8_t* to) const {
    const D16 d16;
    const D8 d8;
    if constexpr (kIsOfBytes) {
      hn::StoreU(hn::Xor(bytes, hn::Set(d8, flip_)), d8, to + at);
      return;
    }
    const auto zero = hn::Set(d16, static_cast<int16_t>(x_zero_));
    const hn::Rebind<int8_t, D16> s8;
    const auto wide = is_signed_ ? hn::PromoteTo(d16, hn::BitCast(s8, bytes)) : hn::PromoteTo(d16, bytes);
    hn::StoreU(hn::Sub(wide, zero), d16, reinterpret_cast<int16_t*>(to) + at);
  }

  HWY_INLINE void Copy(const uint8_t* from, int64_t count, int64_t at, uint8_t* to) const {
    const D8 d8;
    const int64_t whole = (count + kStep - 1) / kStep * kStep;
    if (HWY_LIKELY(from + whole <= x_end_)) {
      for (int64_t i = 0; i < count; i += kStep) Store(hn::LoadU(d8, from + i), at + i, to);
      return;
    }
    HWY_ALIGN uint8_t rest[16];
    for (int64_t i = 0; i < count; i += kStep) {
      const int64_t left = std::min(kStep, count - i);
      for (int64_t k = 0; k < kStep; ++k) rest[k] = k < left ? from[i + k] : 0;
      Store(hn::Load(d8, rest), at + i, to);
    }
  }

  // The zero point, as the form stores it.
  HWY_INLINE void Fill(int64_t count, int64_t at, uint8_t* to) const {
    const D8 d8;
    if constexpr (kIsOfBytes) {
      const auto zero = hn::Set(d8, static_cast<uint8_t>(x_zero_));
      for (int64_t i = 0; i < count; i += kStep) hn::StoreU(zero, d8, to + at + i);
      return;
    }
    const D16 d16;
    for (int64_t i = 0; i < count; i += kStep)
      hn::StoreU(hn::Zero(d16), d16, reinterpret_cast<int16_t*>(to) + at + i);
  }

  // Copies: what is written through a byte pointer could be any of the originals.
  const ConvGeometry g_;
  const uint8_t* const x_;
  const uint8_t* const x_end_;
  const int64_t row_bytes_;
  const int32_t x_zero_;
  const bool is_signed_;
  const uint8_t flip_;
};

// Of a row of kVnni or kSdot. count: a multiple of 4.
HWY_INLINE int32_t SumOf(const uint8_t* row, int64_t count, DotForm form) {
  // i8 as u8 and 128 too much.
  const uint8_t flip = form == DotForm::kSdot ? 0x80 : 0;
  uint32_t sum = uint32_t{0} - flip * static_cast<uint32_t>(count);
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<uint8_t, 16> d;
  const hn::Repartition<uint64_t, decltype(d)> d64;
  const auto flips = hn::Set(d, flip);
  if (count >= 16) {
    auto sums = hn::SumsOf8(hn::Xor(flips, hn::LoadU(d, row)));
    for (i = 16; i + 16 <= count; i += 16)
      sums = hn::Add(sums, hn::SumsOf8(hn::Xor(flips, hn::LoadU(d, row + i))));
    sum += static_cast<uint32_t>(hn::GetLane(hn::SumOfLanes(d64, sums)));
  }
  if (i + 8 <= count) {
    const hn::CappedTag<uint8_t, 8> half;
    const auto eight = hn::Xor(hn::Set(half, flip), hn::LoadU(half, row + i));
    sum += static_cast<uint32_t>(hn::GetLane(hn::SumsOf8(eight)));
    i += 8;
  }
#endif
  for (; i < count; i += 4) {
    for (int64_t k = 0; k < 4; ++k) sum += static_cast<uint32_t>(row[i + k] ^ flip);
  }
  return static_cast<int32_t>(sum);
}

// Accumulators of a tile, [rows][step], on their way to the pixels from y on.
struct Tile {
  const int32_t* acc;
  const int32_t* sums;  // added to every row
  int64_t rows, step;
  uint8_t* y;
  int64_t y_step;
};

void FinishReals(const Requantizer& q, const Tile& tile, int64_t channel, int64_t channels) {
  for (int64_t i = 0; i < tile.rows; ++i) {
    for (int64_t c = 0; c < channels; ++c) {
      const auto sum =
          static_cast<uint32_t>(tile.acc[i * tile.step + c]) + static_cast<uint32_t>(tile.sums[i]);
      tile.y[i * tile.y_step + c] = RequantizeReal(static_cast<int32_t>(sum), q, channel + c);
    }
  }
}

template <bool kIsPlain>
HWY_INLINE void FinishFixed(const Requantizer& q, const Tile& tile, int64_t channel, int64_t channels) {
  const DI d;
  for (int64_t first = 0; first < channels; first += kLanes) {
    const ChannelScales<DI> scales(d, q, channel + first);
    const int64_t left = channels - first;
    const int32_t* acc = tile.acc + first;
    uint8_t* to = tile.y + first;
    if (left >= kLanes) {
      for (int64_t i = 0; i < tile.rows; ++i, to += tile.y_step, acc += tile.step) {
        const VI sum = hn::Add(hn::LoadU(d, acc), hn::Set(d, tile.sums[i]));
        StoreBytes(d, RequantizeLanes<kIsPlain>(d, sum, scales), to);
      }
      continue;
    }
    for (int64_t i = 0; i < tile.rows; ++i, to += tile.y_step, acc += tile.step) {
      HWY_ALIGN uint8_t bytes[16];
      const VI sum = hn::Add(hn::LoadU(d, acc), hn::Set(d, tile.sums[i]));
      StoreBytes(d, RequantizeLanes<kIsPlain>(d, sum, scales), bytes);
      CopyFew(to, bytes, left);
    }
  }
}

// acc: [rows][panels * 16] to the pixels from `pixel` on.
HWY_INLINE void Finish(const ConvQ8& conv, const int32_t* acc, const int32_t* sums, int64_t pixel,
                       int64_t rows, int64_t panel, int64_t panels) {
  const Requantizer& q = *conv.requantizer;
  for (int64_t p = 0; p < panels; ++p) {
    const int64_t channel = (panel + p) * kQuantPanel;
    const int64_t channels = std::min(kQuantPanel, conv.geometry.out_c - channel);
    const int64_t y_step = conv.geometry.out_step;
    const Tile tile{
        acc + p * kQuantPanel, sums, rows, panels * kQuantPanel, conv.y + pixel * y_step + channel, y_step};
    if (!q.real.empty()) {
      FinishReals(q, tile, channel, channels);
    } else if (q.is_plain) {
      FinishFixed<true>(q, tile, channel, channels);
    } else {
      FinishFixed<false>(q, tile, channel, channels);
    }
  }
}

// Whether rows can be read from the image as they are.
bool IsDirect(const ConvQ8& conv) {
  const ConvGeometry& g = conv.geometry;
  const PackedQ8& filter = *conv.filter;
  return IsOfBytes(filter.form) && !filter.is_flipped && filter.depth % 4 == 0 && g.taps() == 1 &&
         g.stride_h == 1 && g.stride_w == 1 && g.in_h == g.out_h && g.in_w == g.out_w && g.pad_h == 0 &&
         g.pad_w == 0;
}

}  // namespace

void RunConv(const ConvQ8& conv, int64_t pixel_begin, int64_t pixel_end, int64_t panel_begin,
             int64_t panel_end) {
  alignas(64) uint8_t buffer[kGatherBytes];
  alignas(64) int32_t acc[kDotRows * kDotPanels * kQuantPanel];
  int32_t sums[kBlockRows] = {};
  const PackedQ8& filter = *conv.filter;
  const bool is_direct = IsDirect(conv);
  const int64_t fitting = (kGatherBytes - 64) / filter.row_bytes();
  const int64_t block =
      std::clamp<int64_t>(fitting / kDotRows * kDotRows, std::min(fitting, kDotRows), kBlockRows);
  const bool is_of_bytes = IsOfBytes(filter.form);
  const int64_t max_panels = is_of_bytes ? kDotPanels : kTilePanels;
  DotCall call;
  call.groups = filter.groups;
  call.acc = acc;
  for (int64_t pixel = pixel_begin; pixel < pixel_end; pixel += block) {
    const int64_t rows = std::min(block, pixel_end - pixel);
    const uint8_t* from = is_direct ? conv.x + pixel * conv.geometry.in_step : buffer;
    call.row_step = is_direct ? conv.geometry.in_step : filter.row_bytes();
    if (!is_direct && is_of_bytes) Gatherer<true>(conv).Rows(pixel, rows, buffer);
    if (!is_direct && !is_of_bytes) Gatherer<false>(conv).Rows(pixel, rows, buffer);
    if (filter.sum_factor() != 0) {
      for (int64_t i = 0; i < rows; ++i) {
        const auto sum =
            static_cast<uint32_t>(SumOf(from + i * call.row_step, filter.row_bytes(), filter.form));
        sums[i] = static_cast<int32_t>(sum * static_cast<uint32_t>(filter.sum_factor()));
      }
    }
    for (int64_t panel = panel_begin; panel < panel_end; panel += max_panels) {
      const int64_t panels = std::min(max_panels, panel_end - panel);
      call.weights = filter.lines + panel * filter.groups;
      call.bias = filter.bias() + panel * kQuantPanel;
      for (int64_t i = 0; i < rows; i += kDotRows) {
        const int64_t count = std::min(kDotRows, rows - i);
        call.rows = from + i * call.row_step;
        Dot(filter.form, call, count, panels);
        Finish(conv, acc, sums + i, pixel + i, count, panel, panels);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {
HWY_EXPORT(RunConv);
void RunConvQ8(const ConvQ8& conv, int64_t pixel_begin, int64_t pixel_end, int64_t panel_begin,
               int64_t panel_end) {
  HWY_DYNAMIC_DISPATCH(RunConv)(conv, pixel_begin, pixel_end, panel_begin, panel_end);
}
}  // namespace slipway::cpu
#endif
