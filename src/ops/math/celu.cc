// Continuously differentiable exponential linear unit.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeCelu() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Celu";
  op.summary = "Continuously differentiable exponential linear unit.";
  op.formula = "y = max(0, x) + min(0, alpha * (e^(x/alpha) - 1))";
  op.attrs = {FloatAttr("alpha", 1.0f, "see the formula")};
  op.reference = [](RunContext& context) {
    const double p[] = {context.attrs().Float("alpha")};
    return RunUnaryWith(
        context, [&](double x) { return std::fmax(0, x) + std::fmin(0, p[0] * std::expm1(x / p[0])); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Celu", 12}};
  return op;
}

}  // namespace slipway
