// Element-wise operators on quantised integers, to the bit as the TFLite reference kernels.
//
// Rule of the house: a node whose inputs are quantised integers computes as the TFLite specification says.
#pragma once

#include "ops/activation.h"
#include "ops/run.h"

namespace slipway {

inline constexpr DTypeSet kQuantized = {DType::kI8, DType::kU8, DType::kI16};

// Input 0 is an integer that stands for a real.
bool IsQuantized(const RunContext& context);
// An error unless inputs and output carry per-tensor scales.
Status CheckPerTensor(const RunContext& context, size_t num_inputs);

// a + sign * b, with the activation's clamp.
Status RunQuantizedSum(RunContext& context, int sign);
// (a - b)^2, 8-bit.
Status RunQuantizedSquaredDifference(RunContext& context);
Status RunQuantizedMul(RunContext& context);
Status RunQuantizedDiv(RunContext& context);
// 8-bit: a table over all inputs, y = round(f(x)), as LiteRT builds it.
Status RunQuantizedSigmoid(RunContext& context);
Status RunQuantizedTanh(RunContext& context);
Status RunQuantizedExp(RunContext& context);
Status RunQuantizedLog(RunContext& context);
Status RunQuantizedElu(RunContext& context);
Status RunQuantizedGelu(RunContext& context);
Status RunQuantizedAbs(RunContext& context);
Status RunQuantizedRsqrt(RunContext& context);
Status RunQuantizedHardSwish(RunContext& context);
Status RunQuantizedLeakyRelu(RunContext& context);
// Requantises within the activation's range: RELU, RELU6, RELU_N1_TO_1.
Status RunQuantizedClamp(RunContext& context, ActivationSpec activation);
Status RunQuantizedPRelu(RunContext& context);

}  // namespace slipway
