// Depthwise f32 convolution, channels last: one filter per channel, vectors run along the channels.
#pragma once

#include "backends/cpu/kernels/conv/conv_f32.h"

namespace slipway::cpu {

struct DepthwiseF32 {
  ConvGeometry geometry;  // in_step channels, in and out
  const float* x = nullptr;
  const float* weights = nullptr;  // [tap][channels]
  const float* bias = nullptr;     // [channels]
  float* y = nullptr;
  FusedActivation activation;
};

// Computes the output rows [row_begin, row_end) of batch * out_h.
void RunDepthwiseF32(const DepthwiseF32& conv, int64_t row_begin, int64_t row_end);

}  // namespace slipway::cpu
