// Sum of all operands, element by element.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeSum() {
  OpDef op = VariadicOp(kNumbers);
  op.name = "Sum";
  op.summary = "Sum of all operands, element by element.";
  op.reference = [](RunContext& context) {
    return RunFold(context, {.real = [](double a, double b) { return a + b; },
                             .signed_integer = [](int64_t a, int64_t b) { return a + b; },
                             .unsigned_integer = [](uint64_t a, uint64_t b) { return a + b; }});
  };
  op.cases = [] { return BinaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Sum", 1}, {Format::kTensorflow, "AddN", 1}, {Format::kTflite, "ADD_N", 1}};
  return op;
}

}  // namespace slipway
