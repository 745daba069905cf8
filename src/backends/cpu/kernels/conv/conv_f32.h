// Direct f32 convolution, channels last, on packed weights: no im2col buffer. Matrix products are its 1x1
// case.
//
// Idea: a tile of some pixels times one or two panels of 16 output channels lives in registers; for every tap
// the tile's pixel pointers are found (zeros outside the image) and the input channels run innermost. Taps of
// one kernel row merge into one long run when the whole tile lies inside the image. Source: register-blocked
// GEMM (Goto, van de Geijn 2008). Left out: Winograd.
#pragma once

#include <cstdint>
#include <vector>

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
};

struct ConvF32 {
  ConvGeometry geometry;
  const float* x = nullptr;        // [batch,in_h,in_w], in_step apart
  const float* weights = nullptr;  // [panel][tap][in_c][16]
  const float* bias = nullptr;     // [panel][16]
  const float* zeros = nullptr;    // in_c zeros
  float* y = nullptr;
  FusedActivation activation;
};

// Computes output pixels [pixel_begin, pixel_end) for panels [panel_begin, panel_end). Chunks may run in
// parallel.
void RunConvF32(const ConvF32& conv, int64_t pixel_begin, int64_t pixel_end, int64_t panel_begin,
                int64_t panel_end);

// The pixels of a register tile: chunks of multiples of it waste nothing.
int64_t ConvF32TilePixels();

}  // namespace slipway::cpu
