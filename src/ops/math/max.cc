// Largest of the operands, element by element; NaN wins.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeMax() {
  OpDef op = VariadicOp(kNumbers);
  op.name = "Max";
  op.summary = "Largest of the operands, element by element; NaN wins.";
  op.reference = [](RunContext& context) {
    return RunFold(
        context,
        {.real = [](double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b); },
         .signed_integer = [](int64_t a, int64_t b) { return std::max(a, b); },
         .unsigned_integer = [](uint64_t a, uint64_t b) { return std::max(a, b); }});
  };
  op.cases = [] { return BinaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Max", 1},
                {Format::kTensorflow, "Maximum", 1},
                {Format::kTflite, "MAXIMUM", 1},
                {Format::kTflite, "STABLEHLO_MAXIMUM"}};
  return op;
}

}  // namespace slipway
