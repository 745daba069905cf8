// Hard swish (MobileNetV3).
#include <cmath>

#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeHardSwish() {
  OpDef op = UnaryOp(kFloats | kQuantized);
  op.name = "HardSwish";
  op.summary = "Hard swish (MobileNetV3).";
  op.formula = "y = x * max(0, min(1, x/6 + 0.5))";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedHardSwish(context);
    return RunUnary(context, [](double x) { return x * std::fmax(0.0, std::fmin(1.0, x / 6 + 0.5)); });
  };
  op.cases = [] { return WithQuantized(UnaryCases(-5, 5), {-5, 5}, {-0.4, 5}); };
  op.foreign = {{Format::kOnnx, "HardSwish"}, {Format::kTflite, "HARD_SWISH"}};
  return op;
}

}  // namespace slipway
