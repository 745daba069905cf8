// Element-wise comparison: a == b.
#include "ops/legacy_broadcast.h"
#include "ops/logic/compare.h"

namespace slipway {

OpDef MakeEqual() {
  OpDef op = CompareOp();
  op.name = "Equal";
  op.summary = "Element-wise comparison under numpy broadcasting.";
  op.formula = "c = a == b";
  op.reference = [](RunContext& context) {
    return RunCompare(context, [](const auto& a, const auto& b) { return a == b; });
  };
  op.foreign = {{Format::kOnnx, "Equal", 7},
                {Format::kOnnx, "Equal", 1, 6, ImportExplicitBroadcast},
                {Format::kTensorflow, "Equal", 1},
                {Format::kTflite, "EQUAL", 1}};
  return op;
}

}  // namespace slipway
