// Add, Sub, Mul, Div: numpy broadcasting, an activation that TFLite fuses in, quantised forms.
#pragma once

#include "ops/activation.h"
#include "ops/math/elementwise.h"

namespace slipway {

// A binary record with the activation attributes.
OpDef ArithmeticOp();
// InferBroadcast; and where small integers are known, some as symbols, what becomes of them: shape
// arithmetic.
Status InferOnExtents(InferContext& context, Dim (*function)(const Dim&, const Dim&));
// RunBinary, then the node's activation.
Status RunArithmetic(RunContext& context, const BinaryFunctions& functions);
// Broadcast cases, an int32 one, one per activation, and quantised int8 / uint8 ones.
std::vector<TestCase> ArithmeticCases(double low, double high);
// TFLite's fused_activation_function becomes `activation`.
Status ImportTfliteActivation(ImportContext& context);

}  // namespace slipway
