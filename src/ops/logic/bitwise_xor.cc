// Bits of two integer tensors combined.
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeBitwiseXor() {
  OpDef op = BinaryOp(kInts);
  op.name = "BitwiseXor";
  op.group = "logic";
  op.summary = "Bits of two integer tensors combined under numpy broadcasting.";
  op.formula = "c = a ^ b";
  op.reference = [](RunContext& context) {
    return RunBinary(context, {.signed_integer = [](int64_t a, int64_t b) { return a ^ b; }});
  };
  op.cases = [] { return BinaryCases(-100, 100, DType::kI32); };
  op.foreign = {{Format::kOnnx, "BitwiseXor", 18},
                {Format::kTensorflow, "BitwiseXor", 1},
                {Format::kTflite, "BITWISE_XOR"}};
  return op;
}

}  // namespace slipway
