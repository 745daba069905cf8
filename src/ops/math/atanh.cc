// Inverse hyperbolic tangent.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeAtanh() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Atanh";
  op.summary = "Inverse hyperbolic tangent.";
  op.formula = "y = atanh(x)";
  op.reference = [](RunContext& context) {
    return RunUnary(context, [](double x) { return std::atanh(x); });
  };
  op.cases = [] { return UnaryCases(-0.9, 0.9); };
  op.foreign = {{Format::kOnnx, "Atanh"}, {Format::kTensorflow, "Atanh"}};
  return op;
}

}  // namespace slipway
