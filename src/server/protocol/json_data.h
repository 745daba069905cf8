// A tensor's "data" in JSON: an array of elements, flat or nested in any way, as the protocol allows.
//
// How the elements are nested is not compared with the shape: only their number is. Beside JSON's numbers,
// NaN, Infinity and -Infinity are read, as Triton does. FP16 and BF16 have no form in JSON.
#pragma once

#include <string_view>

#include "slipway/tensor.h"

namespace slipway::server {

// array: from "[" to "]", perhaps with white space behind, valid UTF-8; not checked to be JSON yet. Memory
// stays within a small multiple of its length, whatever the shape says. Integers must fit their type; a real
// that is too large for FP32 or FP64 is refused, one that is too small for FP32 is rounded.
Result<Tensor> TensorFromJson(std::string_view array, DType dtype, Dims dims);

}  // namespace slipway::server
