// Rounds up to an integer.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeCeil() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Ceil";
  op.summary = "Rounds up to an integer.";
  op.formula = "y = ceil(x)";
  op.reference = [](RunContext& context) { return RunUnary(context, [](double x) { return std::ceil(x); }); };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Ceil"}, {Format::kTensorflow, "Ceil"}, {Format::kTflite, "CEIL"}};
  return op;
}

}  // namespace slipway
