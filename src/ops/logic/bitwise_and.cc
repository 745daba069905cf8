// Bits of two integer tensors combined.
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeBitwiseAnd() {
  OpDef op = BinaryOp(kInts);
  op.name = "BitwiseAnd";
  op.group = "logic";
  op.summary = "Bits of two integer tensors combined under numpy broadcasting.";
  op.formula = "c = a & b";
  op.reference = [](RunContext& context) {
    return RunBinary(context, {.signed_integer = [](int64_t a, int64_t b) { return a & b; }});
  };
  op.cases = [] { return BinaryCases(-100, 100, DType::kI32); };
  op.foreign = {{Format::kOnnx, "BitwiseAnd", 18}, {Format::kTensorflow, "BitwiseAnd", 1}};
  return op;
}

}  // namespace slipway
