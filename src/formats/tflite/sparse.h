// Sparse constants of TFLite made dense.
#pragma once

#include <span>

#include "slipway/status.h"
#include "slipway/tensor.h"
#include "tflite/schema_generated.h"

namespace slipway::tflite {

// values: the stored elements of `dtype`, in traversal order. dims: the dense shape, verified. The result has
// zeros where nothing is stored. Every segment and index is checked.
Result<Tensor> Densify(const fb::SparsityParameters& sparsity, DType dtype, const Dims& dims,
                       std::span<const uint8_t> values);

}  // namespace slipway::tflite
