// Arc tangent, in radians.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeAtan() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Atan";
  op.summary = "Arc tangent, in radians.";
  op.formula = "y = atan(x)";
  op.reference = [](RunContext& context) { return RunUnary(context, [](double x) { return std::atan(x); }); };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Atan"}, {Format::kTensorflow, "Atan"}};
  return op;
}

}  // namespace slipway
