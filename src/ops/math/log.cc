// Natural logarithm.
#include <cmath>

#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeLog() {
  OpDef op = UnaryOp(kFloats | kQuantized);
  op.name = "Log";
  op.summary = "Natural logarithm.";
  op.formula = "y = ln(x)";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedLog(context);
    return RunUnary(context, [](double x) { return std::log(x); });
  };
  op.cases = [] { return WithQuantized(UnaryCases(0.01, 8), {0.5, 8}, {-3, 2.1}); };
  op.foreign = {{Format::kOnnx, "Log"}, {Format::kTensorflow, "Log"}, {Format::kTflite, "LOG"}};
  return op;
}

}  // namespace slipway
