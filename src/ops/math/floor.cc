// Rounds down to an integer.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeFloor() {
  OpDef op = UnaryOp(kFloats);
  op.name = "Floor";
  op.summary = "Rounds down to an integer.";
  op.formula = "y = floor(x)";
  op.reference = [](RunContext& context) {
    return RunUnary(context, [](double x) { return std::floor(x); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Floor"}, {Format::kTensorflow, "Floor"}, {Format::kTflite, "FLOOR"}};
  return op;
}

}  // namespace slipway
