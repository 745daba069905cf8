// Tensors of a request: they come and go many times a second.
#pragma once

#include "slipway/tensor.h"

namespace slipway {

// Elements are whatever was there before: for who writes them all. Storage is the heap's, which keeps what is
// freed and gives it to the next; a large Tensor's own pages would come from the system, zeroed, each time.
// Aligned to 64 bytes. Strings are empty, as a Tensor's.
Tensor BriefTensor(DType dtype, Dims dims);

}  // namespace slipway
