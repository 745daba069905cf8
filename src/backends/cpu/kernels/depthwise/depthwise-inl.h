// Depthwise convolution (depthwise_f32.h) on any lanes: vectors of floats, or of bf16 in pairs. Included once
// per Highway target.
//
// Lanes are how channels are read and computed:
//   kCount                      channels together; Whole() are all of them, First(n) the first n
//   int64_t WeightsAt(c)        where in a row of packed weights those of the channels from c on are
//   X, V                        an element of the image, a sum of kCount channels
//   V LoadX(const X*)           and of either:
//   V LoadWeights(const float*) weights and bias, as the kernel packs them for these lanes
//   V MulAdd(V x, V weights, V sum)
//   void Finish(conv, row, pixel, c, V (&sums)[n])
//                               of so many pixels: adds the row's residual, clamps, stores
//   kFinishesAll                Finish does any activation, and the residual behind it
//   kIsRare                     no network spends its time on them: fewer forms of the code do
#if defined(SLIPWAY_CPU_DEPTHWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_DEPTHWISE_INL_H_
#undef SLIPWAY_CPU_DEPTHWISE_INL_H_
#else
#define SLIPWAY_CPU_DEPTHWISE_INL_H_
#endif

#include <algorithm>

#include "backends/cpu/kernels/depthwise/depthwise_f32.h"
#include "backends/cpu/kernels/gemm/epilogue-inl.h"
#include "backends/cpu/kernels/simd/math-inl.h"
#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {

// A row of outputs, channels [c0, c1): kernel rows [ky0, ky1) lie inside the image.
template <class X>
struct DepthwiseRow {
  const X* x;  // the window's first row, first column of the image
  Elements y;
  ConstElements residual;  // null: none, or added later
  int64_t ky0, ky1;
  int64_t c0, c1;
};

// Taps k with 0 <= start + k * dilation < extent.
HWY_INLINE void TapsInside(int64_t start, int64_t dilation, int64_t extent, int64_t kernel, int64_t& first,
                           int64_t& last) {
  first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  last = start >= extent ? 0 : std::min(kernel, (extent - start + dilation - 1) / dilation);
  if (last < first) last = first;
}

// Steps a pointer, and keeps the compiler from computing all its later places beforehand: it has not the
// registers.
template <class T>
HWY_INLINE void StepTo(const T*& at, int64_t step) {
  at += step;
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
  asm("" : "+r"(at));
#endif
}

// `Lanes`: see above. kMaxStrip: pixels whose sums, with a column and the weights of a row, fit the
// registers.
template <class Lanes, int kMaxStrip>
class Depthwise {
 public:
  using X = typename Lanes::X;
  using V = typename Lanes::V;
  using Row = DepthwiseRow<X>;

  // `x`: the image's first element.
  static void Run(const DepthwiseF32& conv, const X* x, int64_t row_begin, int64_t row_end) {
    const ConvGeometry& g = conv.geometry;
    const Epilogue& epilogue = conv.epilogue;
    const RowFn run = RowFor(g);
    const bool is_residual_last =
        !Lanes::kFinishesAll && epilogue.residual != nullptr && epilogue.is_residual_last;
    const bool is_finished_later =
        !Lanes::kFinishesAll && (is_residual_last || epilogue.activation.kind != ActivationKind::kClamp);
    const int64_t together = ChannelsTogether(g, conv.channels);
    for (int64_t c0 = 0; c0 < conv.channels; c0 += together) {
      for (int64_t r = row_begin; r < row_end; ++r) {
        const int64_t y0 = r % g.out_h * g.stride_h - g.pad_h;
        Row row;
        row.c0 = c0;
        row.c1 = std::min(c0 + together, conv.channels);
        row.x = x + (r / g.out_h * g.in_h + y0) * g.in_w * g.in_step;
        row.y = conv.y + r * g.out_w * g.out_step;
        const ConstElements residual = epilogue.residual == nullptr
                                           ? epilogue.residual
                                           : epilogue.residual + r * g.out_w * epilogue.residual_step;
        row.residual = is_residual_last ? nullptr : residual;
        TapsInside(y0, g.dilation_h, g.in_h, g.kernel_h, row.ky0, row.ky1);
        run(conv, row);
        if (is_finished_later) FinishRow(conv, row, residual);
      }
    }
  }

 private:
  using RowFn = void (*)(const DepthwiseF32&, const Row&);

  // Channels that are done together over all rows. Small images are in the second-level cache: of so many
  // channels a window's rows stay in the first-level cache, and each input is fetched once in place of once
  // per kernel row. Large ones are read from end to end, as memory likes it.
  static int64_t ChannelsTogether(const ConvGeometry& g, int64_t channels) {
    constexpr int64_t kSmallImage = 512 * 1024 / sizeof(X), kWindowRows = 24 * 1024 / sizeof(X);
    if (g.in_h * g.in_w * g.in_step > kSmallImage) return channels;
    const int64_t fitting = kWindowRows / std::max<int64_t>(g.kernel_h * g.in_w, 1);
    return std::max<int64_t>(fitting / Lanes::kCount * Lanes::kCount, 64);
  }

  // Columns of a strip that may stick out of the image at either side: what "same" padding leaves.
  static constexpr int MostOutside(int kernel) { return (kernel - 1) / 2; }

  // Channels [begin, end), kCount at a time; `lanes`: those of each.
  template <class L>
  struct Channels {
    L lanes;
    int64_t begin, end;
  };

  // kStrip pixels from `ox` on, of whose columns so many at the left and at the right lie outside of the
  // image; none where kOutside, the most there may be, is 0.
  template <int kKernel, int kStride, int kStrip, int kOutside, class L>
  static HWY_INLINE void Strip(const DepthwiseF32& conv, const Row& row, const Channels<L>& channels,
                               int64_t ox, int64_t left, int64_t right) {
    const ConvGeometry& g = conv.geometry;
    constexpr int kColumns = (kStrip - 1) * kStride + kKernel;
    const int64_t step = g.in_step, row_step = (g.in_w - kColumns) * g.in_step, tap_step = conv.weights_step;
    const X* window = row.x + (ox * kStride - g.pad_w + row.ky0 * g.in_w) * step;
    const float* weights = conv.weights + row.ky0 * kKernel * tap_step;
    for (int64_t c = channels.begin; c < channels.end; c += Lanes::kCount) {
      V sums[kStrip];
      const V bias = channels.lanes.LoadWeights(conv.epilogue.bias + Lanes::WeightsAt(c));
#pragma GCC unroll 8
      for (int i = 0; i < kStrip; ++i) sums[i] = bias;
      const X* at = window + c;
      const float* weight_at = weights + Lanes::WeightsAt(c);
      for (int64_t rows = row.ky1 - row.ky0; rows > 0; --rows) {
        V weight[kKernel];
#pragma GCC unroll 5
        for (int kx = 0; kx < kKernel; ++kx) {
          weight[kx] = channels.lanes.LoadWeights(weight_at);
          StepTo(weight_at, tap_step);
        }
#pragma GCC unroll 32
        for (int j = 0; j < kColumns; ++j) {
          const bool is_outside =
              (j < kOutside && j < left) || (j >= kColumns - kOutside && j >= kColumns - right);
          if (is_outside) {
            StepTo(at, step);
            continue;
          }
          const V column = channels.lanes.LoadX(at);
          StepTo(at, step);  // behind the products it would cost a fifth of the time
#pragma GCC unroll 5
          for (int kx = 0; kx < kKernel; ++kx) {
            const int i = j - kx;
            if (i >= 0 && i % kStride == 0 && i / kStride < kStrip)
              sums[i / kStride] = channels.lanes.MulAdd(column, weight[kx], sums[i / kStride]);
          }
        }
        at += row_step;
      }
      channels.lanes.Finish(conv, row, ox, c, sums);
    }
  }

  // Any window.
  template <class L>
  static HWY_INLINE void Pixel(const DepthwiseF32& conv, const Row& row, const Channels<L>& channels,
                               int64_t ox) {
    const ConvGeometry& g = conv.geometry;
    const int64_t x0 = ox * g.stride_w - g.pad_w;
    int64_t kx0, kx1;
    TapsInside(x0, g.dilation_w, g.in_w, g.kernel_w, kx0, kx1);
    for (int64_t c = channels.begin; c < channels.end; c += Lanes::kCount) {
      const int64_t weights_at = Lanes::WeightsAt(c);
      V sum[1] = {channels.lanes.LoadWeights(conv.epilogue.bias + weights_at)};
      for (int64_t ky = row.ky0; ky < row.ky1; ++ky) {
        for (int64_t kx = kx0; kx < kx1; ++kx) {
          const X* from = row.x + (ky * g.dilation_h * g.in_w + x0 + kx * g.dilation_w) * g.in_step + c;
          const float* weight = conv.weights + (ky * g.kernel_w + kx) * conv.weights_step + weights_at;
          sum[0] =
              channels.lanes.MulAdd(channels.lanes.LoadX(from), channels.lanes.LoadWeights(weight), sum[0]);
        }
      }
      channels.lanes.Finish(conv, row, ox, c, sum);
    }
  }

  // A strip, if it fits the row's rest and sticks out no further than it may.
  template <int kKernel, int kStride, int kStrip, int kOutside, class L>
  static HWY_INLINE bool TryStrip(const DepthwiseF32& conv, const Row& row, const Channels<L>& channels,
                                  int64_t& ox) {
    const ConvGeometry& g = conv.geometry;
    constexpr int64_t kColumns = (kStrip - 1) * kStride + kKernel;
    const int64_t left = g.pad_w - ox * kStride, right = kColumns - left - g.in_w;
    if (ox + kStrip > g.out_w || std::max(left, right) > kOutside) return false;
    Strip<kKernel, kStride, kStrip, kOutside>(conv, row, channels, ox, left, right);
    ox += kStrip;
    return true;
  }

  // Channels that are whole, and the few that are left: fewer forms of strips are worth their code there.
  static Channels<typename Lanes::Whole> WholeOf(const Row& row) {
    return {{}, row.c0, row.c1 - (row.c1 - row.c0) % Lanes::kCount};
  }
  static Channels<typename Lanes::First> RestOf(const Row& row) {
    const int64_t rest = (row.c1 - row.c0) % Lanes::kCount;
    return {{static_cast<size_t>(rest)}, row.c1 - rest, row.c1};
  }

  template <int kKernel, int kStride>
  static HWY_NOINLINE void UnrolledWhole(const DepthwiseF32& conv, const Row& row) {
    constexpr int kOutside = MostOutside(kKernel);
    const auto channels = WholeOf(row);
    for (int64_t ox = 0; ox < conv.geometry.out_w;) {
      const bool is_done = TryStrip<kKernel, kStride, kMaxStrip, 0>(conv, row, channels, ox) ||
                           TryStrip<kKernel, kStride, 4, kOutside>(conv, row, channels, ox) ||
                           TryStrip<kKernel, kStride, 2, kOutside>(conv, row, channels, ox) ||
                           TryStrip<kKernel, kStride, 1, kOutside>(conv, row, channels, ox);
      if (!is_done) Pixel(conv, row, channels, ox++);
    }
  }

  // Fewer forms of strips, for what is rare.
  template <int kKernel, int kStride, class L>
  static HWY_NOINLINE void UnrolledFew(const DepthwiseF32& conv, const Row& row,
                                       const Channels<L>& channels) {
    for (int64_t ox = 0; ox < conv.geometry.out_w;) {
      if (!TryStrip<kKernel, kStride, 4, MostOutside(kKernel)>(conv, row, channels, ox))
        Pixel(conv, row, channels, ox++);
    }
  }

  template <int kKernel, int kStride>
  static void UnrolledRow(const DepthwiseF32& conv, const Row& row) {
    if (row.c1 - row.c0 >= Lanes::kCount) {
      if constexpr (Lanes::kIsRare)
        UnrolledFew<kKernel, kStride>(conv, row, WholeOf(row));
      else
        UnrolledWhole<kKernel, kStride>(conv, row);
    }
    if ((row.c1 - row.c0) % Lanes::kCount != 0) UnrolledFew<kKernel, kStride>(conv, row, RestOf(row));
  }

  static HWY_NOINLINE void AnyRow(const DepthwiseF32& conv, const Row& row) {
    for (int64_t ox = 0; ox < conv.geometry.out_w; ++ox) {
      Pixel(conv, row, WholeOf(row), ox);
      if ((row.c1 - row.c0) % Lanes::kCount != 0) Pixel(conv, row, RestOf(row), ox);
    }
  }

  static RowFn RowFor(const ConvGeometry& g) {
    if (g.kernel_h != g.kernel_w || g.stride_h != g.stride_w || g.dilation_h != 1 || g.dilation_w != 1)
      return AnyRow;
    if (g.kernel_h == 3 && g.stride_h == 1) return UnrolledRow<3, 1>;
    if (g.kernel_h == 3 && g.stride_h == 2) return UnrolledRow<3, 2>;
    if (g.kernel_h == 5 && g.stride_h == 1) return UnrolledRow<5, 1>;
    if (g.kernel_h == 5 && g.stride_h == 2) return UnrolledRow<5, 2>;
    return AnyRow;
  }

  // What the strips leave out: activations that are no clamp, residuals behind the activation. The row is
  // still in the first-level cache.
  static HWY_NOINLINE void FinishRow(const DepthwiseF32& conv, const Row& row, ConstElements residual) {
    const DF d;
    const ConvGeometry& g = conv.geometry;
    const Epilogue& epilogue = conv.epilogue;
    FusedActivation rest;
    if (epilogue.activation.kind != ActivationKind::kClamp) rest = epilogue.activation;
    WithActivation(d, rest, [&](auto f) HWY_ATTR {
      for (int64_t ox = 0; ox < g.out_w; ++ox) {
        for (int64_t c = row.c0; c < row.c1; c += kLanes) {
          const auto count = static_cast<size_t>(std::min(kLanes, row.c1 - c));
          const Elements at = row.y + (ox * g.out_step + c);
          VF value = f(LoadElements(at, count));
          if (epilogue.is_residual_last && residual != nullptr)
            value = hn::Add(value, LoadElements(residual + (ox * epilogue.residual_step + c), count));
          StoreElements(value, at, count);
        }
      }
    });
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_DEPTHWISE_INL_H_
