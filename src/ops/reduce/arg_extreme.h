// What ArgMax and ArgMin share.
#pragma once

#include "ops/reduce/reduce.h"

namespace slipway {

enum class Extreme { kLargest, kSmallest };

// All but name, summary, reference and rows.
OpDef ArgOp();
Status RunArg(RunContext& context, Extreme extreme);
// TensorFlow's output_type, TFLite's type of the result; axis a constant input, no keepdims.
Status ImportArg(ImportContext& context);

}  // namespace slipway
