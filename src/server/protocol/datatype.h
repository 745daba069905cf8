// Names of element types in the Open Inference Protocol ("FP32") and in model configurations ("TYPE_FP32").
//
// What the protocol has no name for (sub-byte integers, 8- and 4-bit floats, complex numbers) has none here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "slipway/dtype.h"

namespace slipway::server {

// "FP32"; BYTES for strings; empty where the protocol has no such type.
std::string_view DatatypeOf(DType dtype);
// nullopt: no datatype of the protocol. Names are compared with regard to case.
std::optional<DType> ParseDatatype(std::string_view name);
// "TYPE_FP32"; TYPE_STRING for strings; TYPE_INVALID where the protocol has no such type.
std::string ConfigTypeOf(DType dtype);

}  // namespace slipway::server
