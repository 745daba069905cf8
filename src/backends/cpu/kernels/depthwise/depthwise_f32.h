// Depthwise f32 convolution, channels last: one filter per channel, vectors run along the channels.
//
// Idea: a strip of neighbouring output pixels shares the loads of its input columns; the usual windows (3x3
// and 5x5 of stride 1 and 2) are unrolled. A strip leaves out the columns beside the image; where more stick
// out than by "same" padding, pixels are computed one by one.
// Small images go by groups of channels over all rows, so that a group's rows stay in the first-level cache.
#pragma once

#include "backends/cpu/kernels/conv/conv_f32.h"

namespace slipway::cpu {

struct DepthwiseF32 {
  ConvGeometry geometry;  // in_c = out_c = 1; in_step and out_step between pixels
  int64_t channels = 0;
  ConstElements x = nullptr;       // f32, as y and the residual: bf16 is depthwise_bf16.h's
  const float* weights = nullptr;  // [tap][weights_step], of which `channels` count
  int64_t weights_step = 0;
  Elements y = nullptr;
  Epilogue epilogue;  // with a bias

  // Channels [begin, end) alone, as many of them as there are. begin: a multiple of 32 (kDepthwiseBlock).
  DepthwiseF32 Channels(int64_t begin, int64_t end) const;
};

// Computes the output rows [row_begin, row_end) of batch * out_h.
void RunDepthwiseF32(const DepthwiseF32& conv, int64_t row_begin, int64_t row_end);

}  // namespace slipway::cpu
