// Element-wise comparison: a < b.
#include "ops/legacy_broadcast.h"
#include "ops/logic/compare.h"

namespace slipway {

OpDef MakeLess() {
  OpDef op = CompareOp();
  op.name = "Less";
  op.summary = "Element-wise comparison under numpy broadcasting.";
  op.formula = "c = a < b";
  op.reference = [](RunContext& context) {
    return RunCompare(context, [](const auto& a, const auto& b) { return a < b; });
  };
  op.foreign = {{Format::kOnnx, "Less", 7},
                {Format::kOnnx, "Less", 1, 6, ImportExplicitBroadcast},
                {Format::kTensorflow, "Less", 1},
                {Format::kTflite, "LESS", 1}};
  return op;
}

}  // namespace slipway
