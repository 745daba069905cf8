// Softsign.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeSoftsign() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Softsign";
  op.summary = "Softsign.";
  op.formula = "y = x / (1 + |x|)";
  op.reference = [](RunContext& context) {
    return RunUnary(context, [](double x) { return x / (1 + std::fabs(x)); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Softsign"}, {Format::kTensorflow, "Softsign"}};
  return op;
}

}  // namespace slipway
