// Exponential.
#include <cmath>

#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeExp() {
  OpDef op = UnaryOp(kFloats | kQuantized);
  op.name = "Exp";
  op.summary = "Exponential.";
  op.formula = "y = e^x";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedExp(context);
    return RunUnary(context, [](double x) { return std::exp(x); });
  };
  op.cases = [] { return WithQuantized(UnaryCases(-4, 4), {-4, 2}, {0, 8}); };
  op.foreign = {{Format::kOnnx, "Exp"}, {Format::kTensorflow, "Exp"}, {Format::kTflite, "EXP"}};
  return op;
}

}  // namespace slipway
