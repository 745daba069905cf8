// Absolute value.
#include <cmath>

#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeAbs() {
  OpDef op = UnaryOp(kNumbers);
  op.name = "Abs";
  op.summary = "Absolute value.";
  op.formula = "y = |x|";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedAbs(context);
    return RunUnary(
        context, [](double x) { return std::fabs(x); },
        [](int64_t x) { return x < 0 ? static_cast<int64_t>(0 - static_cast<uint64_t>(x)) : x; });
  };
  op.cases = [] { return WithQuantized(UnaryCases(-4, 4), {-4, 4}, {0, 4}); };
  op.foreign = {{Format::kOnnx, "Abs"}, {Format::kTensorflow, "Abs"}, {Format::kTflite, "ABS"}};
  return op;
}

}  // namespace slipway
