// Direct f32 convolution, channels last, on packed weights: no im2col buffer.
//
// Idea: the input rows that some output rows need are copied into a thread's scratch with their margins, so
// that the windows of neighbouring pixels lie a fixed step apart, borders included: a row of pixels is then a
// product of gemm_f32.h whose runs are the kernel's rows. Where nothing sticks out of the image, it is read
// in place; for products of pairs, rows of f32 are always copies, converted on the way, and so are rows of
// images whose channels come first. Left out: Winograd, which is a tactic of its own.
#pragma once

#include <cstdint>

#include "backends/cpu/kernels/gemm/gemm_f32.h"

namespace slipway::cpu {

struct ConvGeometry {
  int64_t batch = 1;
  int64_t in_h = 1, in_w = 1, in_c = 1;  // in_c: channels read per tap
  int64_t in_step = 1;                   // elements between neighbouring pixels, at least in_c
  int64_t out_h = 1, out_w = 1, out_c = 1;
  int64_t out_step = 1;
  int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t pad_h = 0, pad_w = 0;

  int64_t out_pixels() const { return batch * out_h * out_w; }
  int64_t taps() const { return kernel_h * kernel_w; }
  int64_t depth() const { return taps() * in_c; }
  // Pixels of an input row, margins included, that a row of outputs reads.
  int64_t span_w() const { return (out_w - 1) * stride_w + (kernel_w - 1) * dilation_w + 1; }
  // Input rows under `rows` output rows that follow each other.
  int64_t span_h(int64_t rows) const { return (rows - 1) * stride_h + (kernel_h - 1) * dilation_h + 1; }
  // A pixel is one row of a plain matrix.
  bool IsPointwise() const {
    return taps() == 1 && stride_h == 1 && stride_w == 1 && pad_h == 0 && pad_w == 0 && in_h == out_h &&
           in_w == out_w;
  }
};

enum class ConvForm {
  kPanels,  // weights: [panel][tap][in_c][16]
  kFew,     // out_c <= kDotColumns: dot products. Weights: [out_c][tap][in_c]
  kBf16,    // products of bf16 (gemm/bf16.h). Weights: [panel][tap][pair of in_c][16]
  kF16,     // products of f16 (gemm/f16.h). Weights: the same, as PackPanelsF16 has them
};
constexpr bool IsOfPairs(ConvForm form) { return form == ConvForm::kBf16 || form == ConvForm::kF16; }
constexpr Operands OperandsOf(ConvForm form) {
  return form == ConvForm::kBf16  ? Operands::kBf16Pairs
         : form == ConvForm::kF16 ? Operands::kF16Pairs
                                  : Operands::kF32;
}

struct ConvF32 {
  ConvGeometry geometry;
  ConstElements x = nullptr;  // [batch,in_h,in_w], in_step apart
  // x is f32, its channels come first: [batch,in_c,in_h], rows in_step apart. in_c: at most kMaxPlanes.
  bool is_planar = false;
  ConvForm form = ConvForm::kPanels;
  const float* weights = nullptr;  // as `form` has them
  Elements y = nullptr;            // [batch,out_h,out_w], out_step apart
  Epilogue epilogue;               // its residual: at the first pixel's first channel
};

// Output rows of one image that are computed together: their input stays in the second-level cache.
int64_t ConvF32BlockRows(const ConvGeometry& geometry, ConvForm form);
// What RunConvF32 needs of scratch for a block.
int64_t ConvF32ScratchBytes(const ConvGeometry& geometry, ConvForm form, bool is_planar = false);

// Rows [row_begin, row_end), at most a block, of image n for panels [panel_begin, panel_end). `scratch` is
// aligned to 64. Blocks and panels may be computed in parallel.
void RunConvF32(const ConvF32& conv, int64_t n, int64_t row_begin, int64_t row_end, int64_t panel_begin,
                int64_t panel_end, void* scratch);

}  // namespace slipway::cpu
