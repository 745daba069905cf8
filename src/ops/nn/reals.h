// Whole tensors as f32 or f64, for reference kernels that are written for those two.
#pragma once

#include <vector>

#include "slipway/tensor.h"

namespace slipway {

// The tensor as `dtype`, element by element; shares storage when it is of that dtype already.
Tensor ConvertTensor(const Tensor& tensor, DType dtype);
// Writes `from` into `to` (same count), converting to `to`'s dtype.
void StoreTensor(const Tensor& from, Tensor& to);
// Every element as a double.
std::vector<double> Reals(const Tensor& tensor);
// Those of one row, where rows have `length` elements.
std::vector<double> RealsOfRow(const Tensor& tensor, int64_t row, int64_t length);

}  // namespace slipway
