// Running product along an axis.
#include "ops/reduce/cumulate.h"

namespace slipway {

OpDef MakeCumProd() {
  OpDef op = CumulateOp();
  op.name = "CumProd";
  op.summary = "Running product along an axis; integers wrap around.";
  op.formula = "y[i] = prod(x[0..i])";
  op.reference = [](RunContext& context) {
    return RunCumulate(context, {.start = 1,
                                 .real = [](double a, double b) { return a * b; },
                                 .integer = [](uint64_t a, uint64_t b) { return a * b; }});
  };
  op.foreign = {{Format::kOnnx, "CumProd", 26}, {Format::kTensorflow, "Cumprod"}};
  return op;
}

}  // namespace slipway
