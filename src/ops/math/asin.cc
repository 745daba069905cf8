// Arc sine, in radians.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeAsin() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Asin";
  op.summary = "Arc sine, in radians.";
  op.formula = "y = asin(x)";
  op.reference = [](RunContext& context) { return RunUnary(context, [](double x) { return std::asin(x); }); };
  op.cases = [] { return UnaryCases(-1, 1); };
  op.foreign = {{Format::kOnnx, "Asin"}, {Format::kTensorflow, "Asin"}};
  return op;
}

}  // namespace slipway
