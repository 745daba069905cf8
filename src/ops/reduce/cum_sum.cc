// Running sum along an axis.
#include "ops/reduce/cumulate.h"

namespace slipway {

OpDef MakeCumSum() {
  OpDef op = CumulateOp();
  op.name = "CumSum";
  op.summary = "Running sum along an axis; integers wrap around.";
  op.formula = "y[i] = sum(x[0..i])";
  op.reference = [](RunContext& context) {
    return RunCumulate(context, {.start = 0,
                                 .real = [](double a, double b) { return a + b; },
                                 .integer = [](uint64_t a, uint64_t b) { return a + b; }});
  };
  op.foreign = {{Format::kOnnx, "CumSum", 11}, {Format::kTensorflow, "Cumsum"}, {Format::kTflite, "CUMSUM"}};
  return op;
}

}  // namespace slipway
