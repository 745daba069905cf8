// A pointwise convolution and the depthwise one behind it (the first half of MobileNetV2's blocks), in one
// go: some rows of some channels at a time.
//
// Idea: the widened image between the two is the largest of its network. A thread makes a strip of its rows
// in the second-level cache, lets the depthwise filters pass over it and forgets it. Rows that neighbouring
// strips of a thread share are kept; those that two threads share are computed twice, which is faster than
// fetching them from another core's cache. Near caches that all hold it make it no faster than one after the
// other, but the whole is never in memory.
#pragma once

#include "backends/cpu/image_kernel.h"

namespace slipway::cpu {

struct PointwiseDepthwise {
  PointwiseLayer pointwise;
  // Its input; for products of bf16 these are pairs (ArePairs).
  ConstElements x;
  int64_t x_step = 0;
  // Its geometry's input is the image between, of which x is not set.
  DepthwiseLayer depthwise;
};

// Why the two cannot run so; nullopt if they can. Only types and geometry are looked at.
std::optional<std::string> WhyNotPair(const PointwiseDepthwise& pair);
// Per thread.
int64_t PairScratchBytes(const PointwiseDepthwise& pair);
void RunPair(const PointwiseDepthwise& pair, const KernelArgs& args);

}  // namespace slipway::cpu
