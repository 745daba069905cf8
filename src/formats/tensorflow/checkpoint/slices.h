// Slices of partitioned variables: how a checkpoint names them.
#pragma once

#include <string>
#include <vector>

#include "slipway/tensor.h"

namespace slipway::tensorflow {

struct SliceExtent {
  int64_t start = 0;
  int64_t length = -1;  // -1: the whole axis
};
using Slice = std::vector<SliceExtent>;  // one a axis

// The key under which a slice of the variable `name` stands: ordered code of 0, name, rank, and start and
// length of every axis (tensorflow/core/util/saved_tensor_slice_util.cc).
std::string SliceKey(const std::string& name, const Slice& slice);

// "4 10 0,2:-" of RestoreV2's shape_and_slices, without its shape. Error (kInvalidModel) for other text.
Result<Slice> ParseSlice(const std::string& text);

// What `slice` covers of a tensor of `dims`; an error (kInvalidModel) when it reaches outside.
Result<Dims> ExtentsOf(const Slice& slice, const Dims& dims);

// Copies between a slice's own tensor and its place in the whole.
void CopyIntoSlice(const Tensor& part, const Slice& slice, Tensor& whole);
Tensor CutSlice(const Tensor& whole, const Slice& slice, const Dims& extents);

}  // namespace slipway::tensorflow
