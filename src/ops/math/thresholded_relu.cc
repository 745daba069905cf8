// Thresholded rectified linear unit.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeThresholdedRelu() {
  OpDef op = UnaryOp(kFloats);
  op.name = "ThresholdedRelu";
  op.summary = "Thresholded rectified linear unit.";
  op.formula = "y = x > alpha ? x : 0";
  op.attrs = {FloatAttr("alpha", 1.0f, "see the formula")};
  op.reference = [](RunContext& context) {
    const double p[] = {context.attrs().Float("alpha")};
    return RunUnaryWith(context, [&](double x) { return x > p[0] ? x : 0; });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "ThresholdedRelu", 10}};
  return op;
}

}  // namespace slipway
