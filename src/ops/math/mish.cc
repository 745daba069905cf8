// Mish.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeMish() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Mish";
  op.summary = "Mish.";
  op.formula = "y = x * tanh(ln(1 + e^x))";
  op.reference = [](RunContext& context) {
    return RunUnary(context, [](double x) { return x * std::tanh(std::log1p(std::exp(x))); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Mish"}};
  return op;
}

}  // namespace slipway
