// Weights rearranged from Keras's order to that of Slipway's operators, beside ops/transpose_tensor.h. All
// are f32.
#pragma once

#include "ir/attrs.h"

namespace slipway::keras {

// The extents of `axis` as equal blocks, `order` of them; block i of the result is block order[i].
Tensor BlocksReordered(const Tensor& tensor, int64_t axis, const Ints& order);
// Joined along a first axis.
Tensor Joined(const Tensor& a, const Tensor& b);
Tensor Filled(const Dims& dims, float value);
Tensor OfNumbers(const std::vector<double>& values);  // [n]

}  // namespace slipway::keras
