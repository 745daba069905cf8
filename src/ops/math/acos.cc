// Arc cosine, in radians.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeAcos() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Acos";
  op.summary = "Arc cosine, in radians.";
  op.formula = "y = acos(x)";
  op.reference = [](RunContext& context) { return RunUnary(context, [](double x) { return std::acos(x); }); };
  op.cases = [] { return UnaryCases(-1, 1); };
  op.foreign = {{Format::kOnnx, "Acos"}, {Format::kTensorflow, "Acos"}};
  return op;
}

}  // namespace slipway
