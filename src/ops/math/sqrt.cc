// Square root; NaN for negative numbers.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeSqrt() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Sqrt";
  op.summary = "Square root; NaN for negative numbers.";
  op.formula = "y = sqrt(x)";
  op.reference = [](RunContext& context) { return RunUnary(context, [](double x) { return std::sqrt(x); }); };
  op.cases = [] { return UnaryCases(0, 8); };
  op.foreign = {{Format::kOnnx, "Sqrt"}, {Format::kTensorflow, "Sqrt"}, {Format::kTflite, "SQRT"}};
  return op;
}

}  // namespace slipway
