// Bits of two integer tensors combined.
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeBitwiseOr() {
  OpDef op = BinaryOp(kInts);
  op.name = "BitwiseOr";
  op.group = "logic";
  op.summary = "Bits of two integer tensors combined under numpy broadcasting.";
  op.formula = "c = a | b";
  op.reference = [](RunContext& context) {
    return RunBinary(context, {.signed_integer = [](int64_t a, int64_t b) { return a | b; }});
  };
  op.cases = [] { return BinaryCases(-100, 100, DType::kI32); };
  op.foreign = {{Format::kOnnx, "BitwiseOr", 18}, {Format::kTensorflow, "BitwiseOr", 1}};
  return op;
}

}  // namespace slipway
