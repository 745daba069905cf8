// Reciprocal square root.
#include <cmath>

#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeRsqrt() {
  OpDef op = UnaryOp(kFloats | kQuantized);
  op.name = "Rsqrt";
  op.summary = "Reciprocal square root.";
  op.formula = "y = 1 / sqrt(x)";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedRsqrt(context);
    return RunUnary(context, [](double x) { return 1 / std::sqrt(x); });
  };
  op.cases = [] { return WithQuantized(UnaryCases(0.25, 8), {0.5, 8}, {0, 6}); };
  op.foreign = {{Format::kTensorflow, "Rsqrt"}, {Format::kTflite, "RSQRT"}};
  return op;
}

}  // namespace slipway
