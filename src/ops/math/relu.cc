// Rectified linear unit.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeRelu() {
  OpDef op = UnaryOp(kNumbers);
  op.name = "Relu";
  op.summary = "Rectified linear unit: negative elements become 0.";
  op.formula = "y = max(x, 0)";
  op.reference = [](RunContext& context) {
    return RunUnary(
        context, [](double x) { return std::isnan(x) ? x : std::fmax(x, 0.0); },
        [](int64_t x) { return x > 0 ? x : 0; });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Relu"}, {Format::kTensorflow, "Relu"}};
  return op;
}

}  // namespace slipway
