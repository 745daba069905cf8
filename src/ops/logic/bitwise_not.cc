// Bitwise complement.
#include "base/scalar.h"
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeBitwiseNot() {
  OpDef op = UnaryOp(kInts);
  op.name = "BitwiseNot";
  op.group = "logic";
  op.summary = "Complement of every bit.";
  op.formula = "y = ~x";
  op.reference = [](RunContext& context) { return RunUnary(context, nullptr, [](int64_t x) { return ~x; }); };
  op.cases = [] {
    return std::vector<TestCase>{{"i32", {{.dtype = DType::kI32, .dims = {37}, .low = -99, .high = 99}}, {}}};
  };
  op.foreign = {{Format::kOnnx, "BitwiseNot", 18}, {Format::kTensorflow, "Invert"}};
  return op;
}

}  // namespace slipway
