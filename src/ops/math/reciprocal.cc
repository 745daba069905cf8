// Reciprocal.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeReciprocal() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Reciprocal";
  op.summary = "Reciprocal.";
  op.formula = "y = 1 / x";
  op.reference = [](RunContext& context) { return RunUnary(context, [](double x) { return 1 / x; }); };
  op.cases = [] { return UnaryCases(0.25, 4); };
  op.foreign = {
      {Format::kOnnx, "Reciprocal"}, {Format::kTensorflow, "Reciprocal"}, {Format::kTensorflow, "Inv"}};
  return op;
}

}  // namespace slipway
