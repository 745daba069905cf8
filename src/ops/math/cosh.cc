// Hyperbolic cosine.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeCosh() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Cosh";
  op.summary = "Hyperbolic cosine.";
  op.formula = "y = cosh(x)";
  op.reference = [](RunContext& context) { return RunUnary(context, [](double x) { return std::cosh(x); }); };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Cosh"}, {Format::kTensorflow, "Cosh"}};
  return op;
}

}  // namespace slipway
