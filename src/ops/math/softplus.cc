// Softplus.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeSoftplus() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Softplus";
  op.summary = "Softplus.";
  op.formula = "y = ln(1 + e^x)";
  op.reference = [](RunContext& context) {
    return RunUnary(context,
                    [](double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Softplus"}, {Format::kTensorflow, "Softplus"}};
  return op;
}

}  // namespace slipway
