#include "backends/cpu/pointwise_depthwise.h"

#include <algorithm>
#include <cstring>

#include "backends/cpu/kernels/gemm/bf16.h"
#include "backends/cpu/product.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGroup = 64;  // channels done together: 4 panels
constexpr int64_t kStripBytes = 320 * 1024;

bool IsShort(const PointwiseDepthwise& pair) {
  return pair.depthwise.precision == Precision::kBf16 && pair.pointwise.precision == Precision::kBf16;
}

// The image between, of a group of channels.
struct Strip {
  explicit Strip(const PointwiseDepthwise& pair)
      : row_elements(pair.depthwise.conv.geometry.in_w * kGroup),
        row_bytes(row_elements * (IsShort(pair) ? 2 : 4)) {
    const ConvGeometry& g = pair.depthwise.conv.geometry;
    const int64_t fitting = (kStripBytes / row_bytes - g.kernel_h) / g.stride_h + 1;
    out_rows = std::clamp<int64_t>(fitting, 1, g.out_h);
    bytes = g.span_h(out_rows) * row_bytes;
  }

  int64_t row_elements, row_bytes;
  int64_t out_rows;  // of the result, made from a strip
  int64_t bytes;
};

// Output rows [row_begin, row_end) of image n, channels of group `group`.
void RunRows(const PointwiseDepthwise& pair, int64_t n, int64_t row_begin, int64_t row_end, int64_t group,
             uint8_t* scratch) {
  const Strip strip(pair);
  const bool is_short = IsShort(pair);
  const int64_t first_channel = group * kGroup;
  const Elements rows =
      is_short ? Elements(reinterpret_cast<uint16_t*>(scratch)) : Elements(reinterpret_cast<float*>(scratch));
  DepthwiseF32 depthwise = pair.depthwise.conv.Channels(first_channel, first_channel + kGroup);
  ConvGeometry& g = depthwise.geometry;
  g.in_step = kGroup;
  depthwise.y += n * g.out_h * g.out_w * g.out_step;

  const bool are_pairs = pair.pointwise.precision == Precision::kBf16;
  GemmF32 gemm;
  gemm.operands = OperandsOf(pair.pointwise.precision);
  gemm.run_length = are_pairs ? PairsOf(pair.pointwise.in_c) : pair.pointwise.in_c;
  gemm.a_step = are_pairs ? pair.x_step / 2 : pair.x_step;
  gemm.b = pair.pointwise.weights;
  gemm.columns = pair.pointwise.out_c;
  gemm.c_step = kGroup;
  gemm.epilogue = pair.pointwise.epilogue;
  const int64_t panel = first_channel / kPanel;
  const int64_t panel_end = std::min(panel + kGroup / kPanel, PanelsOf(gemm.columns));

  int64_t begin = 0, end = 0;  // rows of the image between that the strip holds
  for (int64_t row = row_begin; row < row_end; row += strip.out_rows) {
    const int64_t next = std::min(row + strip.out_rows, row_end);
    const int64_t low = std::clamp<int64_t>(row * g.stride_h - g.pad_h, 0, g.in_h);
    const int64_t high = std::clamp((next - 1) * g.stride_h - g.pad_h + g.kernel_h, low, g.in_h);
    const int64_t kept = std::max<int64_t>(0, end - low);
    if (kept > 0)
      std::memmove(scratch, scratch + (low - begin) * strip.row_bytes,
                   static_cast<size_t>(kept * strip.row_bytes));
    begin = low, end = std::max(high, low + kept);
    const int64_t pixel = (n * g.in_h + low + kept) * g.in_w;
    const float* a = pair.x.words() + pixel * gemm.a_step;
    gemm.a = &a;
    // RunGemmF32 counts columns from the first panel on.
    gemm.c = rows + (kept * strip.row_elements - first_channel);
    RunGemmF32(gemm, (end - low - kept) * g.in_w, panel, panel_end);
    depthwise.x = rows + -low * strip.row_elements;
    RunDepthwise(pair.depthwise.precision, depthwise, row, next);
  }
}

}  // namespace

std::optional<std::string> WhyNotPair(const PointwiseDepthwise& pair) {
  const ConvGeometry& g = pair.depthwise.conv.geometry;
  if (pair.pointwise.out_c != pair.depthwise.conv.channels) return "channels differ";
  if (IsSmallImage(g.in_h * g.in_w * pair.depthwise.conv.channels)) return "the image between is small";
  if (g.dilation_h != 1 || g.dilation_w != 1) return "dilated windows";
  if (pair.pointwise.precision == Precision::kBf16 && !ArePairs(pair.x, pair.x_step, pair.pointwise.in_c))
    return "the input is to be converted";
  if (pair.pointwise.precision == Precision::kF32 && pair.x.is_bf16()) return "the input is bf16";
  return std::nullopt;
}

int64_t PairScratchBytes(const PointwiseDepthwise& pair) { return Strip(pair).bytes; }

void RunPair(const PointwiseDepthwise& pair, const KernelArgs& args) {
  const ConvGeometry& g = pair.depthwise.conv.geometry;
  const int64_t groups = DivideUp(pair.pointwise.out_c, kGroup), threads = args.pool.num_threads();
  const bool shares_rows = threads > 1 && SharesRows(g.in_h * g.in_w, pair.pointwise.in_c,
                                                     PanelsOf(pair.pointwise.out_c), threads);
  if (threads > 1 && !shares_rows) {
    args.pool.ParallelFor(g.batch * groups, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task)
        RunRows(pair, task / groups, 0, g.out_h, task % groups, args.ThreadWorkspace().data());
    });
    return;
  }
  args.pool.ParallelFor(g.batch * threads * groups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part = task / groups % threads;
      RunRows(pair, task / groups / threads, g.out_h * part / threads, g.out_h * (part + 1) / threads,
              task % groups, args.ThreadWorkspace().data());
    }
  });
}

}  // namespace slipway::cpu
