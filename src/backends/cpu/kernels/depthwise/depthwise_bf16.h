// Depthwise convolution of bf16.h's machines on images that may be bf16: products and sums are f32, the
// weights are not rounded. What it is faster by is memory: half as many bytes, two vectors of channels a
// load.
#pragma once

#include "backends/cpu/kernels/depthwise/depthwise_f32.h"

namespace slipway::cpu {

// Channels are packed in blocks of so many, those of even index apart from those of odd index: the two halves
// of the words that they are loaded in. A block is two vectors of AVX-512; shorter ones take parts of it.
inline constexpr int64_t kDepthwiseBlock = 32;

// `rows` rows of `channels` floats to rows of whole blocks, filled up with 0: [row][block][odd or not][16].
void PackDepthwiseBf16(const float* from, int64_t rows, int64_t channels, float* packed);

// RunDepthwiseF32; x, y and the residual of either type; weights and bias packed. REQUIRES:
// !WhyNoBf16().
void RunDepthwiseBf16(const DepthwiseF32& conv, int64_t row_begin, int64_t row_end);

}  // namespace slipway::cpu
