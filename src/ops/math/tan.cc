// Tangent of radians.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeTan() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Tan";
  op.summary = "Tangent of radians.";
  op.formula = "y = tan(x)";
  op.reference = [](RunContext& context) { return RunUnary(context, [](double x) { return std::tan(x); }); };
  op.cases = [] { return UnaryCases(-1.5, 1.5); };
  op.foreign = {{Format::kOnnx, "Tan"}, {Format::kTensorflow, "Tan"}};
  return op;
}

}  // namespace slipway
