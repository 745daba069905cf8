// Natural logarithm of one more.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeLog1p() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Log1p";
  op.summary = "Natural logarithm of one more.";
  op.formula = "y = ln(1 + x)";
  op.reference = [](RunContext& context) {
    return RunUnary(context, [](double x) { return std::log1p(x); });
  };
  op.cases = [] { return UnaryCases(-0.5, 8); };
  op.foreign = {{Format::kTensorflow, "Log1p"}};
  return op;
}

}  // namespace slipway
