// Hyperbolic tangent.
#include <cmath>

#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeTanh() {
  OpDef op = UnaryOp(kFloats | kQuantized);
  op.name = "Tanh";
  op.summary = "Hyperbolic tangent.";
  op.formula = "y = tanh(x)";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedTanh(context);
    return RunUnary(context, [](double x) { return std::tanh(x); });
  };
  op.cases = [] { return WithQuantized(UnaryCases(-4, 4), {-4, 4}, {-1, 1}); };
  op.foreign = {{Format::kOnnx, "Tanh"}, {Format::kTensorflow, "Tanh"}, {Format::kTflite, "TANH"}};
  return op;
}

}  // namespace slipway
