// Slipway's values as the interfaces in C show them (slipway/abi_types.h). What a view looks at must outlive
// it.
#pragma once

#include <algorithm>

#include "slipway/abi_types.h"
#include "slipway/tensor.h"

namespace slipway {

inline slipway_quant ViewQuant(const Quant& quant) {
  return {quant.scales.data(), quant.zero_points.data(),
          std::min(quant.scales.size(), quant.zero_points.size()), quant.IsPerAxis() ? quant.axis : -1};
}

// Of a tensor of strings `data` points to what only Slipway can read. quant: null: none.
inline slipway_tensor ViewTensor(const Tensor& tensor, const slipway_quant* quant) {
  return {1,
          static_cast<uint32_t>(tensor.dtype()),
          tensor.rank(),
          tensor.dims().data(),
          const_cast<void*>(tensor.data()),
          static_cast<uint64_t>(tensor.size_bytes()),
          quant};
}

}  // namespace slipway
