// Square; integers wrap around.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeSquare() {
  OpDef op = UnaryOp(kNumbers);
  op.name = "Square";
  op.summary = "Square; integers wrap around.";
  op.formula = "y = x^2";
  op.reference = [](RunContext& context) {
    return RunUnary(
        context, [](double x) { return x * x; },
        [](int64_t x) { return static_cast<int64_t>(static_cast<uint64_t>(x) * static_cast<uint64_t>(x)); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kTensorflow, "Square"}, {Format::kTflite, "SQUARE"}};
  return op;
}

}  // namespace slipway
