// Inverse hyperbolic sine.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeAsinh() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Asinh";
  op.summary = "Inverse hyperbolic sine.";
  op.formula = "y = asinh(x)";
  op.reference = [](RunContext& context) {
    return RunUnary(context, [](double x) { return std::asinh(x); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Asinh"}, {Format::kTensorflow, "Asinh"}};
  return op;
}

}  // namespace slipway
