// Element-wise comparison: a > b.
#include "ops/legacy_broadcast.h"
#include "ops/logic/compare.h"

namespace slipway {

OpDef MakeGreater() {
  OpDef op = CompareOp();
  op.name = "Greater";
  op.summary = "Element-wise comparison under numpy broadcasting.";
  op.formula = "c = a > b";
  op.reference = [](RunContext& context) {
    return RunCompare(context, [](const auto& a, const auto& b) { return a > b; });
  };
  op.foreign = {{Format::kOnnx, "Greater", 7},
                {Format::kOnnx, "Greater", 1, 6, ImportExplicitBroadcast},
                {Format::kTensorflow, "Greater", 1},
                {Format::kTflite, "GREATER", 1}};
  return op;
}

}  // namespace slipway
