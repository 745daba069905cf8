// Scaled exponential linear unit.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeSelu() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Selu";
  op.summary = "Scaled exponential linear unit.";
  op.formula = "y = gamma * (x > 0 ? x : alpha * (e^x - 1))";
  op.attrs = {FloatAttr("alpha", 1.6732631921768188f, "see the formula"),
              FloatAttr("gamma", 1.0507010221481323f, "see the formula")};
  op.reference = [](RunContext& context) {
    const double p[] = {context.attrs().Float("alpha"), context.attrs().Float("gamma")};
    return RunUnaryWith(context, [&](double x) { return x > 0 ? p[1] * x : p[1] * p[0] * std::expm1(x); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Selu", 6}, {Format::kTensorflow, "Selu", 1}};
  return op;
}

}  // namespace slipway
