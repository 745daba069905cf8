// A depthwise convolution and the pointwise one behind it (MobileNetV1's blocks, the first of MobileNetV2),
// in one go: some rows at a time.
//
// Idea: a thread makes a strip of filtered rows in its second-level cache and multiplies it at once; an image
// that no cache holds is neither written nor read again. Where the layer in front of the filters runs within
// them (pointwise_depthwise.h), this one runs by itself.
#pragma once

#include "backends/cpu/image_kernel.h"

namespace slipway::cpu {

struct DepthwisePointwise {
  DepthwiseLayer depthwise;  // of which y is not set
  // Its residual: of the first pixel, as y.
  PointwiseLayer pointwise;
  Elements y;
  int64_t y_step = 0;
};

// Why the two cannot run so; nullopt if they can. between: the dtype that the image between would have. Only
// types and geometry are looked at.
std::optional<std::string> WhyNotPair(const DepthwisePointwise& pair, DType between);
// Per thread.
int64_t PairScratchBytes(const DepthwisePointwise& pair);
void RunPair(const DepthwisePointwise& pair, const KernelArgs& args);

}  // namespace slipway::cpu
