// Element-wise quotient rounded down.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeFloorDiv() {
  OpDef op = BinaryOp(kNumbers);
  op.name = "FloorDiv";
  op.summary = "Element-wise quotient rounded down.";
  op.formula = "c = floor(a / b)";
  op.reference = [](RunContext& context) {
    return RunBinary(context,
                     {.real = [](double a, double b) { return std::floor(a / b); },
                      .signed_integer = [](int64_t a, int64_t b) { return FloorDivide(a, b); },
                      .unsigned_integer = [](uint64_t a, uint64_t b) { return b == 0 ? 0 : a / b; }});
  };
  op.cases = [] { return BinaryCases(1, 4); };
  op.foreign = {{Format::kTensorflow, "FloorDiv", 1}, {Format::kTflite, "FLOOR_DIV", 1}};
  return op;
}

}  // namespace slipway
