#include "backends/cpu/depthwise_pointwise.h"

#include <algorithm>

#include "backends/cpu/kernels/depthwise/depthwise_bf16.h"
#include "backends/cpu/kernels/gemm/bf16.h"
#include "backends/cpu/product.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kStripBytes = 64 * 1024;
constexpr int64_t kStayingWeights = 128 * 1024;  // bytes that every strip passes by

bool IsShort(const DepthwisePointwise& pair) { return pair.pointwise.precision == Precision::kBf16; }

// Of the image between.
int64_t RowBytes(const DepthwisePointwise& pair) {
  return pair.depthwise.conv.geometry.out_w * pair.pointwise.in_c * (IsShort(pair) ? 2 : 4);
}

int64_t StripRows(const DepthwisePointwise& pair) {
  return std::clamp<int64_t>(kStripBytes / RowBytes(pair), 1, pair.depthwise.conv.geometry.out_h);
}

// Rows [row, row_end) of batch * out_h.
void RunStrip(const DepthwisePointwise& pair, int64_t row, int64_t row_end, uint8_t* scratch) {
  const bool is_short = IsShort(pair);
  const Elements rows =
      is_short ? Elements(reinterpret_cast<uint16_t*>(scratch)) : Elements(reinterpret_cast<float*>(scratch));
  DepthwiseF32 depthwise = pair.depthwise.conv;
  const int64_t width = depthwise.geometry.out_w, depth = pair.pointwise.in_c;
  depthwise.geometry.out_step = depth;
  depthwise.y = rows + -row * width * depth;  // RunDepthwise counts from the first row on
  RunDepthwise(pair.depthwise.precision, depthwise, row, row_end);

  GemmF32 gemm;
  const float* a = ConstElements(rows).words();
  gemm.a = &a;
  gemm.operands = OperandsOf(pair.pointwise.precision);
  gemm.run_length = gemm.a_step = is_short ? PairsOf(depth) : depth;
  gemm.b = pair.pointwise.weights;
  gemm.columns = pair.pointwise.out_c;
  gemm.c = pair.y + row * width * pair.y_step;
  gemm.c_step = pair.y_step;
  gemm.epilogue = pair.pointwise.epilogue;
  if (gemm.epilogue.residual != nullptr) gemm.epilogue.residual += row * width * gemm.epilogue.residual_step;
  RunGemmF32(gemm, (row_end - row) * width, 0, PanelsOf(gemm.columns));
}

}  // namespace

std::optional<std::string> WhyNotPair(const DepthwisePointwise& pair, DType between) {
  const ConvGeometry& g = pair.depthwise.conv.geometry;
  if (pair.pointwise.in_c != pair.depthwise.conv.channels) return "channels differ";
  if (IsSmallImage(g.out_pixels() * pair.pointwise.in_c)) return "the image between is small";
  const int64_t weights = PanelsOf(pair.pointwise.out_c) * kPanel * pair.pointwise.in_c * 4;
  if (weights > kStayingWeights) return "the weights are large";
  if ((between == DType::kBF16) != IsShort(pair)) return "the image between is to be converted";
  if (IsShort(pair) && pair.depthwise.precision != Precision::kBf16) return "the filters write f32";
  if (IsShort(pair) && pair.pointwise.in_c % 2 != 0) return "channels are no pairs";
  return std::nullopt;
}

int64_t PairScratchBytes(const DepthwisePointwise& pair) { return StripRows(pair) * RowBytes(pair); }

void RunPair(const DepthwisePointwise& pair, const KernelArgs& args) {
  const ConvGeometry& g = pair.depthwise.conv.geometry;
  const int64_t rows = g.batch * g.out_h, threads = args.pool.num_threads();
  const int64_t strip = StripRows(pair);
  args.pool.ParallelFor(threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const int64_t part_end = rows * (part + 1) / threads;
      for (int64_t row = rows * part / threads; row < part_end; row += strip)
        RunStrip(pair, row, std::min(row + strip, part_end), args.ThreadWorkspace().data());
    }
  });
}

}  // namespace slipway::cpu
