// An operand's shape against what the others say.
#pragma once

#include "ops/infer.h"

namespace slipway {

// "r is [1,3,4]; expected [1,4,4]". Unknown extents and operands that are left out fit.
Status CheckOperandShape(const InferContext& context, size_t input, const DimList& expected);

}  // namespace slipway
