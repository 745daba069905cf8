// ONNX's attribute softmax_precision as ours.
#pragma once

#include "ops/import.h"

namespace slipway {

// Empty where it is not given.
Result<Attrs> SoftmaxPrecision(const ImportContext& context);

}  // namespace slipway
