// Hard sigmoid.
#include <algorithm>
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeHardSigmoid() {
  OpDef op = UnaryOp(kFloats);
  op.name = "HardSigmoid";
  op.summary = "Hard sigmoid; NaN stays NaN.";
  op.formula = "y = max(0, min(1, alpha * x + beta))";
  op.attrs = {FloatAttr("alpha", 0.2f, "see the formula"), FloatAttr("beta", 0.5f, "see the formula")};
  op.reference = [](RunContext& context) {
    const double p[] = {context.attrs().Float("alpha"), context.attrs().Float("beta")};
    return RunUnaryWith(context, [&](double x) {
      const double line = p[0] * x + p[1];
      return std::isnan(line) ? line : std::clamp(line, 0.0, 1.0);
    });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "HardSigmoid", 6}};
  return op;
}

}  // namespace slipway
