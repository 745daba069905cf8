// Negation; integers wrap around.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeNeg() {
  OpDef op = UnaryOp(kNumbers);
  op.name = "Neg";
  op.summary = "Negation; integers wrap around.";
  op.formula = "y = -x";
  op.reference = [](RunContext& context) {
    return RunUnary(
        context, [](double x) { return -x; },
        [](int64_t x) { return static_cast<int64_t>(0 - static_cast<uint64_t>(x)); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Neg"}, {Format::kTensorflow, "Neg"}, {Format::kTflite, "NEG"}};
  return op;
}

}  // namespace slipway
