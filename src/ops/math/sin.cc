// Sine of radians.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeSin() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Sin";
  op.summary = "Sine of radians.";
  op.formula = "y = sin(x)";
  op.reference = [](RunContext& context) { return RunUnary(context, [](double x) { return std::sin(x); }); };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Sin"}, {Format::kTensorflow, "Sin"}, {Format::kTflite, "SIN"}};
  return op;
}

}  // namespace slipway
