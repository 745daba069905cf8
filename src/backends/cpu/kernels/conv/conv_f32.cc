#include "backends/cpu/kernels/conv/conv_f32.h"

#include <algorithm>
#include <cstring>

#include "backends/cpu/kernels/gemm/dot_f32.h"
#include "backends/cpu/kernels/gemm/f16.h"
#include "backends/cpu/kernels/move/interleave.h"
#include "base/round_up.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kBlockBytes = 192 * 1024;  // a part of any second-level cache: panels pass through the rest

// As the copied rows have it: a pair is an element. Its in_step still counts what the image holds.
ConvGeometry InCopies(ConvGeometry g, ConvForm form) {
  if (IsOfPairs(form)) g.in_c = PairsOf(g.in_c);
  return g;
}

// The taps of a kernel row merge into one run where they touch.
bool HasRowRuns(const ConvGeometry& g) { return g.dilation_w == 1; }
int64_t RunsOf(const ConvGeometry& g) { return HasRowRuns(g) ? g.kernel_h : g.taps(); }
int64_t RunLengthOf(const ConvGeometry& g) { return HasRowRuns(g) ? g.kernel_w * g.in_c : g.in_c; }

bool SticksOutSideways(const ConvGeometry& g) { return g.pad_w > 0 || g.span_w() - g.pad_w > g.in_w; }
bool SticksOutUpright(const ConvGeometry& g) { return g.pad_h > 0 || g.span_h(g.out_h) - g.pad_h > g.in_h; }

// Rows must be copied: windows stick out to the sides, or there are gaps between pixels and either a run
// would have them too or a row of zeros would be needed that long.
bool NeedsCopy(const ConvGeometry& g) {
  if (SticksOutSideways(g)) return true;
  return g.in_step != g.in_c && (g.kernel_w > 1 || SticksOutUpright(g));
}

// Whole cache lines, and one more, lest all rows begin on the same set of the first-level cache.
int64_t Lines(int64_t floats) { return RoundUp(floats, 16) + 16; }

// A copied row, and the row of zeros that stands for one above or below the image.
int64_t RowFloats(const ConvGeometry& g) { return Lines(g.span_w() * g.in_c); }
int64_t ZeroFloats(const ConvGeometry& g) { return SticksOutUpright(g) ? RowFloats(g) : 0; }
int64_t CopiedFloats(const ConvGeometry& g, int64_t out_rows, bool is_copied) {
  return is_copied ? g.span_h(out_rows) * RowFloats(g) : 0;
}

// `pixels` pixels of `channels` floats, `step` apart, side by side.
void CopyPixels(const float* from, int64_t step, int64_t pixels, int64_t channels, float* to) {
  if (step == channels) {
    std::memcpy(to, from, static_cast<size_t>(pixels * channels) * sizeof(float));
    return;
  }
  for (int64_t i = 0; i < pixels; ++i)
    std::memcpy(to + i * channels, from + i * step, static_cast<size_t>(channels) * sizeof(float));
}

void ConvertPixels(ConvForm form, ConstElements from, int64_t step, int64_t pixels, int64_t channels,
                   float* to) {
  const Operands operands = OperandsOf(form);
  if (step == channels && channels % 2 == 0)
    return ConvertRowsTo(operands, from, 0, 1, pixels * channels, to);
  ConvertRowsTo(operands, from, step, pixels, channels, to);
}

// The first pixels of row y of a planar image. `between`: room for them in f32, where products are of pairs.
void CopyPlanes(const ConvF32& conv, int64_t n, int64_t y, int64_t pixels, float* between, float* to) {
  const ConvGeometry& g = conv.geometry;
  const float* row = conv.x.floats() + (n * g.in_c * g.in_h + y) * g.in_step;
  InterleavePlanes(row, g.in_h * g.in_step, g.in_c, pixels, between == nullptr ? to : between);
  if (between != nullptr) ConvertPixels(conv.form, between, g.in_c, pixels, g.in_c, to);
}

// One input row with its margins, whose pixels copy(pixels, to) copies; g: InCopies.
template <class Copy>
void CopyRow(const ConvGeometry& g, float* to, const Copy& copy) {
  const int64_t span = g.span_w();
  const int64_t left = std::min(g.pad_w, span);
  const int64_t inside = std::clamp<int64_t>(g.in_w, 0, span - left);
  std::fill_n(to, left * g.in_c, 0.0F);
  to += left * g.in_c;
  copy(inside, to);
  std::fill_n(to + inside * g.in_c, (span - left - inside) * g.in_c, 0.0F);
}

// Where the block's input rows lie: scratch holds a row of zeros, then the copies, then the runs' pointers,
// and room for a row between planes and pairs.
class InputRows {
 public:
  InputRows(const ConvF32& conv, int64_t n, int64_t row_begin, int64_t row_end, void* scratch)
      : g_(InCopies(conv.geometry, conv.form)), zeros_(static_cast<float*>(scratch)) {
    const bool are_pairs = ArePairs(conv.x, conv.geometry.in_step, conv.geometry.in_c);
    const bool is_converted = IsOfPairs(conv.form) && !are_pairs;
    if (are_pairs) g_.in_step /= 2;
    first_y_ = row_begin * g_.stride_h - g_.pad_h;
    is_copied_ = conv.is_planar || is_converted || NeedsCopy(g_);
    // Rows from the block's first on, in elements of the image.
    const auto offset_of = [&](int64_t y) { return (n * g_.in_h + first_y_ + y) * g_.in_w * g_.in_step; };
    if (!conv.is_planar) in_place_ = conv.x.words() + offset_of(0);
    copies_ = zeros_ + ZeroFloats(g_);
    runs_ = reinterpret_cast<const float**>(
        copies_ + CopiedFloats(g_, ConvF32BlockRows(conv.geometry, conv.form), is_copied_));
    std::fill_n(zeros_, ZeroFloats(g_), 0.0F);
    if (!is_copied_) return;
    float* pixels_of_row = reinterpret_cast<float*>(runs_ + RunsOf(g_));
    const int64_t rows = g_.span_h(row_end - row_begin);
    for (int64_t y = 0; y < rows; ++y) {
      if (!IsInside(y)) continue;
      CopyRow(g_, copies_ + y * RowFloats(g_), [&](int64_t pixels, float* to) {
        if (conv.is_planar)
          CopyPlanes(conv, n, first_y_ + y, pixels, is_converted ? pixels_of_row : nullptr, to);
        else if (is_converted)
          ConvertPixels(conv.form, conv.x + offset_of(y), g_.in_step, pixels, conv.geometry.in_c, to);
        else
          CopyPixels(conv.x.words() + offset_of(y), g_.in_step, pixels, g_.in_c, to);
      });
    }
  }

  // The runs of the output row `row` of the block.
  const float* const* RunsOfRow(int64_t row) {
    int64_t count = 0;
    const int64_t per_row = RunsOf(g_) / g_.kernel_h;
    for (int64_t ky = 0; ky < g_.kernel_h; ++ky) {
      const int64_t y = row * g_.stride_h + ky * g_.dilation_h;
      const float* at = At(y);
      for (int64_t kx = 0; kx < per_row; ++kx) runs_[count++] = at + kx * g_.dilation_w * pixel_floats();
    }
    return runs_;
  }

  int64_t pixel_step() const { return pixel_floats() * g_.stride_w; }

 private:
  int64_t pixel_floats() const { return is_copied_ ? g_.in_c : g_.in_step; }
  bool IsInside(int64_t y) const { return first_y_ + y >= 0 && first_y_ + y < g_.in_h; }
  const float* At(int64_t y) const {
    if (!IsInside(y)) return zeros_;
    return is_copied_ ? copies_ + y * RowFloats(g_) : in_place_ + y * g_.in_w * g_.in_step;
  }

  ConvGeometry g_;  // InCopies; in_step in elements of the image: floats or pairs, or what is converted
  float* zeros_;
  float* copies_ = nullptr;
  const float* in_place_ = nullptr;
  const float** runs_ = nullptr;
  int64_t first_y_ = 0;
  bool is_copied_ = false;
};

}  // namespace

int64_t ConvF32BlockRows(const ConvGeometry& geometry, ConvForm form) {
  const int64_t row_bytes = RowFloats(InCopies(geometry, form)) * static_cast<int64_t>(sizeof(float));
  const int64_t input_rows = kBlockBytes / row_bytes;
  const int64_t window = (geometry.kernel_h - 1) * geometry.dilation_h + 1;
  const int64_t rows = (input_rows - window) / geometry.stride_h + 1;
  // Of equal height, and high enough that the window's overlap is a small part.
  const int64_t fitting = std::clamp<int64_t>(rows, std::min<int64_t>(4, geometry.out_h), geometry.out_h);
  const int64_t blocks = DivideUp(geometry.out_h, std::max<int64_t>(fitting, 1));
  return DivideUp(geometry.out_h, std::max<int64_t>(blocks, 1));
}

int64_t ConvF32ScratchBytes(const ConvGeometry& geometry, ConvForm form, bool is_planar) {
  const ConvGeometry g = InCopies(geometry, form);
  // Whether pixels have gaps shows at the run only.
  ConvGeometry with_gaps = g;
  with_gaps.in_step = g.in_c + 1;
  const bool is_copied = is_planar || IsOfPairs(form) || NeedsCopy(g) || NeedsCopy(with_gaps);
  int64_t floats = ZeroFloats(g) + CopiedFloats(g, ConvF32BlockRows(geometry, form), is_copied);
  if (is_planar && IsOfPairs(form)) floats += geometry.in_w * geometry.in_c;
  return floats * static_cast<int64_t>(sizeof(float)) +
         RunsOf(geometry) * static_cast<int64_t>(sizeof(float*));
}

void RunConvF32(const ConvF32& conv, int64_t n, int64_t row_begin, int64_t row_end, int64_t panel_begin,
                int64_t panel_end, void* scratch) {
  const ConvGeometry& g = conv.geometry;
  InputRows rows(conv, n, row_begin, row_end, scratch);
  GemmF32 gemm;
  gemm.num_runs = RunsOf(g);
  gemm.operands = OperandsOf(conv.form);
  gemm.run_length = RunLengthOf(InCopies(g, conv.form));
  gemm.a_step = rows.pixel_step();
  gemm.b = conv.weights;
  gemm.columns = g.out_c;
  gemm.c_step = g.out_step;
  gemm.epilogue = conv.epilogue;
  // Two panels at a time over all rows: weights are read once per block.
  for (int64_t panel = panel_begin; panel < panel_end; panel += 2) {
    for (int64_t row = row_begin; row < row_end; ++row) {
      const int64_t pixel = (n * g.out_h + row) * g.out_w;
      gemm.a = rows.RunsOfRow(row - row_begin);
      gemm.c = conv.y + pixel * g.out_step;
      if (conv.epilogue.residual != nullptr)
        gemm.epilogue.residual = conv.epilogue.residual + pixel * conv.epilogue.residual_step;
      if (conv.form == ConvForm::kFew)
        RunDotF32(gemm, g.out_w);
      else
        RunGemmF32(gemm, g.out_w, panel, std::min(panel + 2, panel_end));
    }
  }
}

}  // namespace slipway::cpu
