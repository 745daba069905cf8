// Cosine of radians.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeCos() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Cos";
  op.summary = "Cosine of radians.";
  op.formula = "y = cos(x)";
  op.reference = [](RunContext& context) { return RunUnary(context, [](double x) { return std::cos(x); }); };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Cos"}, {Format::kTensorflow, "Cos"}, {Format::kTflite, "COS"}};
  return op;
}

}  // namespace slipway
