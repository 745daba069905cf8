// Slices: which part of each axis, worked out once for Slice, StridedSlice and Split.
#pragma once

#include "ops/infer.h"
#include "ops/shape/strided.h"

namespace slipway {

// One axis: `count` elements from `begin` in steps of `step` (negative: backwards).
struct AxisSlice {
  int64_t begin = 0;
  int64_t step = 1;
  int64_t count = 0;
};

// numpy's rules: negative begin and end count from the end, both are clamped to the axis. step != 0.
AxisSlice SliceAxis(int64_t extent, int64_t begin, int64_t end, int64_t step);

// Copies the part of `x` that `axes` (one per axis of x) describe into dense `y`.
void CopySlices(const Tensor& x, const std::vector<AxisSlice>& axes, Tensor& y);

}  // namespace slipway
