// Shrinkage around zero.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeShrink() {
  OpDef op = UnaryOp(kNumbers);
  op.name = "Shrink";
  op.summary = "Shrinkage around zero.";
  op.formula = "y = x < -lambd ? x + bias : x > lambd ? x - bias : 0";
  op.attrs = {FloatAttr("bias", 0.0f, "see the formula"), FloatAttr("lambd", 0.5f, "see the formula")};
  op.reference = [](RunContext& context) {
    const double p[] = {context.attrs().Float("bias"), context.attrs().Float("lambd")};
    return RunUnaryWith(context, [&](double x) { return x < -p[1] ? x + p[0] : x > p[1] ? x - p[0] : 0; });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Shrink", 9}};
  return op;
}

}  // namespace slipway
