// Exponential less one.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeExpm1() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Expm1";
  op.summary = "Exponential less one, exact near 0.";
  op.formula = "y = e^x - 1";
  op.reference = [](RunContext& context) {
    return RunUnary(context, [](double x) { return std::expm1(x); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kTensorflow, "Expm1"}};
  return op;
}

}  // namespace slipway
