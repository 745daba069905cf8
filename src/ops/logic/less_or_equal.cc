// Element-wise comparison: a <= b.
#include "ops/logic/compare.h"

namespace slipway {

OpDef MakeLessOrEqual() {
  OpDef op = CompareOp();
  op.name = "LessOrEqual";
  op.summary = "Element-wise comparison under numpy broadcasting.";
  op.formula = "c = a <= b";
  op.reference = [](RunContext& context) {
    return RunCompare(context, [](const auto& a, const auto& b) { return a <= b; });
  };
  op.foreign = {{Format::kOnnx, "LessOrEqual", 12},
                {Format::kTensorflow, "LessEqual", 1},
                {Format::kTflite, "LESS_EQUAL", 1}};
  return op;
}

}  // namespace slipway
