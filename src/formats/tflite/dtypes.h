// Element types of TFLite.
#pragma once

#include <string>

#include "slipway/dtype.h"
#include "tflite/schema_generated.h"

namespace slipway::tflite {

// kNone for RESOURCE, VARIANT and numbers that the format does not have.
DType DTypeOf(fb::TensorType type);
// "FLOAT32", or the number.
std::string TypeName(fb::TensorType type);

}  // namespace slipway::tflite
