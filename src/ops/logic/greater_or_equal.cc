// Element-wise comparison: a >= b.
#include "ops/logic/compare.h"

namespace slipway {

OpDef MakeGreaterOrEqual() {
  OpDef op = CompareOp();
  op.name = "GreaterOrEqual";
  op.summary = "Element-wise comparison under numpy broadcasting.";
  op.formula = "c = a >= b";
  op.reference = [](RunContext& context) {
    return RunCompare(context, [](const auto& a, const auto& b) { return a >= b; });
  };
  op.foreign = {{Format::kOnnx, "GreaterOrEqual", 12},
                {Format::kTensorflow, "GreaterEqual", 1},
                {Format::kTflite, "GREATER_EQUAL", 1}};
  return op;
}

}  // namespace slipway
