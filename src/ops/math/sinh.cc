// Hyperbolic sine.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeSinh() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Sinh";
  op.summary = "Hyperbolic sine.";
  op.formula = "y = sinh(x)";
  op.reference = [](RunContext& context) { return RunUnary(context, [](double x) { return std::sinh(x); }); };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Sinh"}, {Format::kTensorflow, "Sinh"}};
  return op;
}

}  // namespace slipway
