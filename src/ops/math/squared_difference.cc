// Square of the element-wise difference.
#include <cmath>

#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeSquaredDifference() {
  OpDef op = BinaryOp(kNumbers);
  op.name = "SquaredDifference";
  op.summary = "Square of the element-wise difference.";
  op.formula = "c = (a - b)^2";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedSquaredDifference(context);
    return RunBinary(context, {.real = [](double a, double b) { return (a - b) * (a - b); },
                               .signed_integer = [](int64_t a, int64_t b) { return (a - b) * (a - b); }});
  };
  op.cases = [] { return WithQuantized(BinaryCases(-4, 4), {-4, 4}, {0, 60}, {DType::kU8, DType::kI8}); };
  op.foreign = {{Format::kTensorflow, "SquaredDifference", 1}, {Format::kTflite, "SQUARED_DIFFERENCE", 1}};
  return op;
}

}  // namespace slipway
