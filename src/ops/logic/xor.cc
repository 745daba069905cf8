// Logical xor of two bool tensors.
#include "ops/legacy_broadcast.h"
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeXor() {
  OpDef op = BinaryOp(kBools);
  op.name = "Xor";
  op.group = "logic";
  op.summary = "Logical xor of two bool tensors under numpy broadcasting.";
  op.reference = [](RunContext& context) {
    return RunBinary(
        context, {.signed_integer = [](int64_t a, int64_t b) -> int64_t { return (a != 0) != (b != 0); }});
  };
  op.cases = [] { return BinaryCases(0, 1.99, DType::kBool); };
  op.foreign = {{Format::kOnnx, "Xor", 7}, {Format::kOnnx, "Xor", 1, 6, ImportExplicitBroadcast}};
  return op;
}

}  // namespace slipway
