// Depthwise 8-bit convolution, channels last, to the bit as TFLite's reference: one filter per channel,
// vectors run along the channels.
//
// Idea: sum (x - zx) * w = sum x * w - zx * sum w, the second part folded into the bias; taps outside the
// image read zero points instead. Few channels are widened to a whole vector by taking neighbouring pixels
// with them, where the stride is 1.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/cpu/kernels/conv/conv_f32.h"
#include "backends/cpu/kernels/quantized/requantize.h"

namespace slipway::cpu {

inline constexpr int64_t kLeastDepthwiseChannels = 4;

struct DepthwiseFilterQ8 {
  int64_t channels = 0;
  int64_t fold = 1;              // neighbouring pixels of one vector: tables repeat so many times
  std::vector<int16_t> weights;  // [tap][fold][channels], less their zero points
  std::vector<int32_t> bias;     // [fold][channels], less zx * sum w
  std::vector<uint8_t> zeros;    // zx, [channels]
  bool is_signed = false;

  int64_t width() const { return fold * channels; }
  // weights: [tap][channels], less their zero points.
  static DepthwiseFilterQ8 Of(const std::vector<int16_t>& weights, const std::vector<int32_t>& bias,
                              int32_t x_zero, int64_t stride_w);
};

struct DepthwiseQ8 {
  ConvGeometry geometry;  // in_step channels, in and out
  const uint8_t* x = nullptr;
  const DepthwiseFilterQ8* filter = nullptr;
  const Requantizer* requantizer = nullptr;  // of width() channels
  uint8_t* y = nullptr;
};

// Computes the output rows [row_begin, row_end) of batch * out_h. REQUIRES: channels >=
// kLeastDepthwiseChannels.
void RunDepthwiseQ8(const DepthwiseQ8& conv, int64_t row_begin, int64_t row_end);

}  // namespace slipway::cpu
