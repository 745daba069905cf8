// Element-wise comparison: a != b.
#include "ops/logic/compare.h"

namespace slipway {

OpDef MakeNotEqual() {
  OpDef op = CompareOp();
  op.name = "NotEqual";
  op.summary = "Element-wise comparison under numpy broadcasting.";
  op.formula = "c = a != b";
  op.reference = [](RunContext& context) {
    return RunCompare(context, [](const auto& a, const auto& b) { return a != b; });
  };
  op.foreign = {{Format::kTensorflow, "NotEqual", 1}, {Format::kTflite, "NOT_EQUAL", 1}};
  return op;
}

}  // namespace slipway
