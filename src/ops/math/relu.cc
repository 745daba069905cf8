// Rectified linear unit.
#include <cmath>

#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeRelu() {
  OpDef op = UnaryOp(kNumbers);
  op.name = "Relu";
  op.summary = "Rectified linear unit: negative elements become 0.";
  op.formula = "y = max(x, 0)";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedClamp(context, {Activation::kRelu});
    return RunUnary(
        context, [](double x) { return std::isnan(x) ? x : std::fmax(x, 0.0); },
        [](int64_t x) { return x > 0 ? x : int64_t{0}; });
  };
  op.cases = [] { return WithQuantized(UnaryCases(-4, 4), {-4, 4}, {0, 4}); };
  op.foreign = {{Format::kOnnx, "Relu"}, {Format::kTensorflow, "Relu"}, {Format::kTflite, "RELU"}};
  return op;
}

}  // namespace slipway
