// Logistic function.
#include <cmath>

#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeSigmoid() {
  OpDef op = UnaryOp(kFloats | kQuantized);
  op.name = "Sigmoid";
  op.summary = "Logistic function.";
  op.formula = "y = 1 / (1 + e^-x)";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedSigmoid(context);
    return RunUnary(context, [](double x) { return 1 / (1 + std::exp(-x)); });
  };
  op.cases = [] { return WithQuantized(UnaryCases(-8, 8), {-8, 8}, {0, 1}); };
  op.foreign = {{Format::kOnnx, "Sigmoid"}, {Format::kTensorflow, "Sigmoid"}, {Format::kTflite, "LOGISTIC"}};
  return op;
}

}  // namespace slipway
