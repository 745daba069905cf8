// Element-wise remainder with the sign of the divisor.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeFloorMod() {
  OpDef op = BinaryOp(kNumbers);
  op.name = "FloorMod";
  op.summary = "Element-wise remainder with the sign of the divisor.";
  op.formula = "c = a - floor(a / b) * b";
  op.reference = [](RunContext& context) {
    return RunBinary(
        context,
        {.real = [](double a, double b) { return a - std::floor(a / b) * b; },
         .signed_integer = [](int64_t a, int64_t b) { return b == 0 ? 0 : a - FloorDivide(a, b) * b; },
         .unsigned_integer = [](uint64_t a, uint64_t b) { return b == 0 ? 0 : a % b; }});
  };
  op.cases = [] { return BinaryCases(1, 4); };
  op.foreign = {{Format::kTensorflow, "FloorMod", 1}, {Format::kTflite, "FLOOR_MOD", 1}};
  return op;
}

}  // namespace slipway
