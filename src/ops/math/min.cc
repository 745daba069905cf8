// Smallest of the operands, element by element; NaN wins.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeMin() {
  OpDef op = VariadicOp(kNumbers);
  op.name = "Min";
  op.summary = "Smallest of the operands, element by element; NaN wins.";
  op.reference = [](RunContext& context) {
    return RunFold(
        context,
        {.real = [](double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b); },
         .signed_integer = [](int64_t a, int64_t b) { return std::min(a, b); },
         .unsigned_integer = [](uint64_t a, uint64_t b) { return std::min(a, b); }});
  };
  op.cases = [] { return BinaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Min", 1},
                {Format::kTensorflow, "Minimum", 1},
                {Format::kTflite, "MINIMUM", 1},
                {Format::kTflite, "STABLEHLO_MINIMUM"}};
  return op;
}

}  // namespace slipway
