// Numbers of ONNX's TensorProto.DataType.
#pragma once

#include <cstdint>
#include <optional>

#include "slipway/dtype.h"

namespace slipway {

// nullopt: undefined or unknown.
std::optional<DType> DTypeFromOnnx(int64_t onnx_type);

}  // namespace slipway
