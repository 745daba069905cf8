// Gauss error function.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeErf() {
  OpDef op = UnaryOp(kNumbers);
  op.name = "Erf";
  op.summary = "Gauss error function.";
  op.formula = "y = 2/sqrt(pi) * integral(0..x, exp(-t^2) dt)";
  op.reference = [](RunContext& context) {
    return RunUnary(
        context, [](double x) { return std::erf(x); },
        [](int64_t x) { return static_cast<int64_t>(std::erf(static_cast<double>(x))); });
  };
  op.cases = [] { return UnaryCases(-4, 4); };
  op.foreign = {{Format::kOnnx, "Erf"}, {Format::kTensorflow, "Erf"}};
  return op;
}

}  // namespace slipway
