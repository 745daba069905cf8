#include "backends/cpu/kernels/depthwise/depthwise_f32.h"

#include <algorithm>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/depthwise/depthwise_f32.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/simd/math-inl.h"
#include "backends/cpu/kernels/simd/partial-inl.h"
#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

// Sums, a column and a weight fit the registers: 32 of AVX-512 and NEON, else 16.
constexpr int kMaxStrip = kLanes == 16 || HWY_ARCH_ARM_A64 ? 8 : 4;

// How many channels of a vector are there: all, known when compiled, or the first few.
struct Whole {
  HWY_INLINE VF Load(const float* from) const { return hn::LoadU(DF(), from); }
  HWY_INLINE void Store(VF x, float* to) const { hn::StoreU(x, DF(), to); }
};
struct First {
  size_t count;
  HWY_INLINE VF Load(const float* from) const { return LoadFirst(DF(), from, count); }
  HWY_INLINE void Store(VF x, float* to) const { StoreFirst(x, DF(), to, count); }
};

// A row of outputs, channels [c0, c1): kernel rows [ky0, ky1) lie inside the image.
struct Row {
  const float* x;  // the window's first row, first column of the image
  float* y;
  const float* residual;  // null: none, or added later
  int64_t ky0, ky1;
  int64_t c0, c1;
};

// body(lanes, c) for all vectors of the row's channels.
template <class Body>
HWY_INLINE void ForChannels(const Row& row, const Body& body) {
  int64_t c = row.c0;
  for (; c + kLanes <= row.c1; c += kLanes) body(Whole(), c);
  if (c < row.c1) body(First{static_cast<size_t>(row.c1 - c)}, c);
}

// Channels that are done together over all rows. Small images are in the second-level cache: of so many
// channels a window's rows stay in the first-level cache, and each input is fetched once in place of once per
// kernel row. Large ones are read from end to end, as memory likes it.
int64_t ChannelsTogether(const ConvGeometry& g, int64_t channels) {
  constexpr int64_t kSmallImage = 128 * 1024, kWindowRows = 6 * 1024;  // floats
  if (g.in_h * g.in_w * g.in_step > kSmallImage) return channels;
  return std::max<int64_t>(kWindowRows / std::max<int64_t>(g.kernel_h * g.in_w, 1) / 16 * 16, 64);
}

// Taps k with 0 <= start + k * dilation < extent.
HWY_INLINE void Inside(int64_t start, int64_t dilation, int64_t extent, int64_t kernel, int64_t& first,
                       int64_t& last) {
  first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  last = start >= extent ? 0 : std::min(kernel, (extent - start + dilation - 1) / dilation);
  if (last < first) last = first;
}

// Clamped, the residual added before.
template <class Lanes>
HWY_INLINE void Finish(const DepthwiseF32& conv, const Row& row, int64_t pixel, int64_t c, Lanes lanes,
                       VF sum) {
  const DF d;
  const Epilogue& epilogue = conv.epilogue;
  if (row.residual != nullptr)
    sum = hn::Add(sum, lanes.Load(row.residual + pixel * epilogue.residual_step + c));
  const VF low = hn::Set(d, epilogue.activation.low);
  const VF high = hn::Set(d, epilogue.activation.high);
  lanes.Store(ClampTo(low, high, sum, d), row.y + pixel * conv.geometry.out_step + c);
}

// Steps a pointer, and keeps the compiler from computing all its later places beforehand: it has not the
// registers.
HWY_INLINE void Step(const float*& at, int64_t step) {
  at += step;
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
  asm("" : "+r"(at));
#endif
}

// Columns of a strip that may stick out of the image at either side: what "same" padding leaves.
constexpr int MostOutside(int kernel) { return (kernel - 1) / 2; }

// kStrip pixels from `ox` on, of whose columns so many at the left and at the right lie outside of the image;
// none where kOutside, the most there may be, is 0.
template <int kKernel, int kStride, int kStrip, int kOutside>
HWY_INLINE void Strip(const DepthwiseF32& conv, const Row& row, int64_t ox, int64_t left, int64_t right) {
  const ConvGeometry& g = conv.geometry;
  constexpr int kColumns = (kStrip - 1) * kStride + kKernel;
  const int64_t step = g.in_step, row_step = (g.in_w - kColumns) * g.in_step, channels = conv.channels;
  const float* window = row.x + (ox * kStride - g.pad_w + row.ky0 * g.in_w) * step;
  const float* weights = conv.weights + row.ky0 * kKernel * channels;
  ForChannels(row, [&](auto lanes, int64_t c) HWY_ATTR {
    VF sums[kStrip];
    const VF bias = lanes.Load(conv.epilogue.bias + c);
#pragma GCC unroll 8
    for (int i = 0; i < kStrip; ++i) sums[i] = bias;
    const float* at = window + c;
    const float* weight_at = weights + c;
    for (int64_t rows = row.ky1 - row.ky0; rows > 0; --rows) {
      VF weight[kKernel];
#pragma GCC unroll 5
      for (int kx = 0; kx < kKernel; ++kx) {
        weight[kx] = lanes.Load(weight_at);
        Step(weight_at, channels);
      }
#pragma GCC unroll 32
      for (int j = 0; j < kColumns; ++j) {
        const bool is_outside =
            (j < kOutside && j < left) || (j >= kColumns - kOutside && j >= kColumns - right);
        if (is_outside) {
          Step(at, step);
          continue;
        }
        const VF column = lanes.Load(at);
        Step(at, step);  // behind the products it would cost a fifth of the time
#pragma GCC unroll 5
        for (int kx = 0; kx < kKernel; ++kx) {
          const int i = j - kx;
          if (i >= 0 && i % kStride == 0 && i / kStride < kStrip)
            sums[i / kStride] = hn::MulAdd(column, weight[kx], sums[i / kStride]);
        }
      }
      at += row_step;
    }
#pragma GCC unroll 8
    for (int i = 0; i < kStrip; ++i) Finish(conv, row, ox + i, c, lanes, sums[i]);
  });
}

// Any window.
HWY_INLINE void Pixel(const DepthwiseF32& conv, const Row& row, int64_t ox) {
  const ConvGeometry& g = conv.geometry;
  const int64_t x0 = ox * g.stride_w - g.pad_w;
  int64_t kx0, kx1;
  Inside(x0, g.dilation_w, g.in_w, g.kernel_w, kx0, kx1);
  ForChannels(row, [&](auto lanes, int64_t c) HWY_ATTR {
    VF sum = lanes.Load(conv.epilogue.bias + c);
    for (int64_t ky = row.ky0; ky < row.ky1; ++ky) {
      for (int64_t kx = kx0; kx < kx1; ++kx) {
        const float* from = row.x + (ky * g.dilation_h * g.in_w + x0 + kx * g.dilation_w) * g.in_step + c;
        const float* weight = conv.weights + (ky * g.kernel_w + kx) * conv.channels + c;
        sum = hn::MulAdd(lanes.Load(from), lanes.Load(weight), sum);
      }
    }
    Finish(conv, row, ox, c, lanes, sum);
  });
}

// A strip, if it fits the row's rest and sticks out no further than it may.
template <int kKernel, int kStride, int kStrip, int kOutside>
HWY_INLINE bool TryStrip(const DepthwiseF32& conv, const Row& row, int64_t& ox) {
  const ConvGeometry& g = conv.geometry;
  constexpr int64_t kColumns = (kStrip - 1) * kStride + kKernel;
  const int64_t left = g.pad_w - ox * kStride, right = kColumns - left - g.in_w;
  if (ox + kStrip > g.out_w || std::max(left, right) > kOutside) return false;
  Strip<kKernel, kStride, kStrip, kOutside>(conv, row, ox, left, right);
  ox += kStrip;
  return true;
}

template <int kKernel, int kStride>
HWY_NOINLINE void UnrolledRow(const DepthwiseF32& conv, const Row& row) {
  constexpr int kOutside = MostOutside(kKernel);
  for (int64_t ox = 0; ox < conv.geometry.out_w;) {
    const bool is_done = TryStrip<kKernel, kStride, kMaxStrip, 0>(conv, row, ox) ||
                         TryStrip<kKernel, kStride, 4, kOutside>(conv, row, ox) ||
                         TryStrip<kKernel, kStride, 2, kOutside>(conv, row, ox) ||
                         TryStrip<kKernel, kStride, 1, kOutside>(conv, row, ox);
    if (!is_done) Pixel(conv, row, ox++);
  }
}

HWY_NOINLINE void AnyRow(const DepthwiseF32& conv, const Row& row) {
  for (int64_t ox = 0; ox < conv.geometry.out_w; ++ox) Pixel(conv, row, ox);
}

using RowFn = void (*)(const DepthwiseF32&, const Row&);

RowFn RowFor(const ConvGeometry& g) {
  if (g.kernel_h != g.kernel_w || g.stride_h != g.stride_w || g.dilation_h != 1 || g.dilation_w != 1)
    return AnyRow;
  if (g.kernel_h == 3 && g.stride_h == 1) return UnrolledRow<3, 1>;
  if (g.kernel_h == 3 && g.stride_h == 2) return UnrolledRow<3, 2>;
  if (g.kernel_h == 5 && g.stride_h == 1) return UnrolledRow<5, 1>;
  if (g.kernel_h == 5 && g.stride_h == 2) return UnrolledRow<5, 2>;
  return AnyRow;
}

// What the strips leave out: activations that are no clamp, residuals behind the activation. The row is still
// in the first-level cache.
HWY_NOINLINE void FinishRow(const DepthwiseF32& conv, const Row& row, const float* residual) {
  const DF d;
  const ConvGeometry& g = conv.geometry;
  const Epilogue& epilogue = conv.epilogue;
  const bool is_clamped = epilogue.activation.kind == ActivationKind::kClamp;
  FusedActivation rest;
  if (!is_clamped) rest = epilogue.activation;
  WithActivation(d, rest, [&](auto f) HWY_ATTR {
    for (int64_t ox = 0; ox < g.out_w; ++ox) {
      ForChannels(row, [&](auto lanes, int64_t c) HWY_ATTR {
        float* at = row.y + ox * g.out_step + c;
        VF value = f(lanes.Load(at));
        if (epilogue.is_residual_last && residual != nullptr)
          value = hn::Add(value, lanes.Load(residual + ox * epilogue.residual_step + c));
        lanes.Store(value, at);
      });
    }
  });
}

}  // namespace

void RunDepthwise(const DepthwiseF32& conv, int64_t row_begin, int64_t row_end) {
  const ConvGeometry& g = conv.geometry;
  const Epilogue& epilogue = conv.epilogue;
  const RowFn run = RowFor(g);
  const bool is_residual_last = epilogue.residual != nullptr && epilogue.is_residual_last;
  const bool is_finished_later = is_residual_last || epilogue.activation.kind != ActivationKind::kClamp;
  const int64_t together = ChannelsTogether(g, conv.channels);
  for (int64_t c0 = 0; c0 < conv.channels; c0 += together) {
    for (int64_t r = row_begin; r < row_end; ++r) {
      const int64_t y0 = r % g.out_h * g.stride_h - g.pad_h;
      Row row;
      row.c0 = c0;
      row.c1 = std::min(c0 + together, conv.channels);
      row.x = conv.x + (r / g.out_h * g.in_h + y0) * g.in_w * g.in_step;
      row.y = conv.y + r * g.out_w * g.out_step;
      const float* residual =
          epilogue.residual == nullptr ? nullptr : epilogue.residual + r * g.out_w * epilogue.residual_step;
      row.residual = is_residual_last ? nullptr : residual;
      Inside(y0, g.dilation_h, g.in_h, g.kernel_h, row.ky0, row.ky1);
      run(conv, row);
      if (is_finished_later) FinishRow(conv, row, residual);
    }
  }
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
