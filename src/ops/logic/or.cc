// Logical or of two bool tensors.
#include "ops/legacy_broadcast.h"
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeOr() {
  OpDef op = BinaryOp(kBools);
  op.name = "Or";
  op.group = "logic";
  op.summary = "Logical or of two bool tensors under numpy broadcasting.";
  op.reference = [](RunContext& context) {
    return RunBinary(context, {.signed_integer = [](int64_t a, int64_t b) -> int64_t { return a || b; }});
  };
  op.cases = [] { return BinaryCases(0, 1.99, DType::kBool); };
  op.foreign = {{Format::kOnnx, "Or", 7},
                {Format::kOnnx, "Or", 1, 6, ImportExplicitBroadcast},
                {Format::kTensorflow, "LogicalOr", 1},
                {Format::kTflite, "LOGICAL_OR", 1}};
  return op;
}

}  // namespace slipway
