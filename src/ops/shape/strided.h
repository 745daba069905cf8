// Copies between strided views: what Transpose, Slice, Expand, Tile, Concat and Pad have in common.
#pragma once

#include <span>
#include <vector>

#include "slipway/tensor.h"

namespace slipway {

// A view of elements: where index 0 is and the step along each axis, in elements (0 repeats, negative
// reverses).
struct StridedView {
  int64_t offset = 0;
  std::vector<int64_t> strides;
};

// Row-major strides of a dense tensor.
std::vector<int64_t> DenseStrides(std::span<const int64_t> dims);

// target[target view at index] = source[source view at index] for every index below `dims`. Runs that are
// contiguous on both sides are copied at once.
void CopyStrided(DType dtype, const void* source, const StridedView& from, void* target,
                 const StridedView& to, const Dims& dims);

}  // namespace slipway
