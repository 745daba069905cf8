// Inverse hyperbolic cosine.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeAcosh() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Acosh";
  op.summary = "Inverse hyperbolic cosine.";
  op.formula = "y = acosh(x)";
  op.reference = [](RunContext& context) {
    return RunUnary(context, [](double x) { return std::acosh(x); });
  };
  op.cases = [] { return UnaryCases(1, 8); };
  op.foreign = {{Format::kOnnx, "Acosh"}, {Format::kTensorflow, "Acosh"}};
  return op;
}

}  // namespace slipway
