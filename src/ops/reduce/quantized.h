// Reductions of quantised integers, to the bit as the TFLite reference kernels.
#pragma once

#include "ops/run.h"

namespace slipway {

Status RunQuantizedMean(RunContext& context);
Status RunQuantizedReduceSum(RunContext& context);
Status RunQuantizedProd(RunContext& context);

}  // namespace slipway
