// Quotient that is 0 where the divisor is.
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeDivNoNan() {
  OpDef op = BinaryOp(kFloats);
  op.name = "DivNoNan";
  op.summary = "Element-wise quotient; 0 where b is 0.";
  op.formula = "c = b == 0 ? 0 : a / b";
  op.reference = [](RunContext& context) {
    return RunBinary(context, {.real = [](double a, double b) { return b == 0 ? 0 : a / b; }});
  };
  op.cases = [] { return BinaryCases(1, 4); };
  op.foreign = {{Format::kTensorflow, "DivNoNan"}};
  return op;
}

}  // namespace slipway
