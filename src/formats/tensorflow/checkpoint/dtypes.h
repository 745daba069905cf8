// TensorFlow's element types.
#pragma once

#include <cstdint>
#include <string_view>

#include "slipway/dtype.h"

namespace slipway::tensorflow {

// TensorFlow's DataType numbers; kNone for what has no tensor (resource, variant) and for unknown numbers.
DType DTypeFromTf(int64_t number);
// "DT_FLOAT" and the like.
DType DTypeFromTfName(std::string_view name);
// The number of that name; 0 where there is no such type of tensors here (DT_RESOURCE and the like).
int32_t NumberOfTfType(std::string_view name);

}  // namespace slipway::tensorflow
