// What ArgMax and ArgMin share.
#pragma once

#include "ops/import.h"
#include "ops/run.h"

namespace slipway {

// The record without summary and reference; `name` is also ONNX's and TensorFlow's.
OpDef ArgReduceOp(const std::string& name, const std::string& tflite);
// is_better(a, b): a beats b.
Status RunArgReduce(RunContext& context, bool (*is_better)(double, double));

}  // namespace slipway
