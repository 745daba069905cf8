// Sign: -1, 0 or 1; NaN stays NaN.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeSign() {
  OpDef op = UnaryOp(kNumbers);
  op.name = "Sign";
  op.summary = "Sign: -1, 0 or 1; NaN stays NaN.";
  op.formula = "y = (x > 0) - (x < 0)";
  op.reference = [](RunContext& context) {
    return RunUnary(
        context, [](double x) { return std::isnan(x) ? x : static_cast<double>((x > 0) - (x < 0)); },
        [](int64_t x) { return static_cast<int64_t>((x > 0) - (x < 0)); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Sign"}, {Format::kTensorflow, "Sign"}, {Format::kTflite, "SIGN"}};
  return op;
}

}  // namespace slipway
