// Rounds to the nearest integer, ties to even.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeRound() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Round";
  op.summary = "Rounds to the nearest integer, ties to even.";
  op.formula = "y = round_half_even(x)";
  op.reference = [](RunContext& context) {
    return RunUnary(context, [](double x) { return std::nearbyint(x); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Round"},
                {Format::kTensorflow, "Round"},
                {Format::kTensorflow, "Rint"},
                {Format::kTflite, "ROUND"}};
  return op;
}

}  // namespace slipway
