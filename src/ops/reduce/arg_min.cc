// Index of the smallest element along an axis.
#include "ops/reduce/arg_extreme.h"

namespace slipway {

OpDef MakeArgMin() {
  OpDef op = ArgOp();
  op.name = "ArgMin";
  op.summary = "Index of the smallest element along an axis.";
  op.formula = "y = argmin(x)";
  op.reference = [](RunContext& context) { return RunArg(context, Extreme::kSmallest); };
  op.foreign = {{Format::kOnnx, "ArgMin"},
                {Format::kTensorflow, "ArgMin", 1, INT_MAX, ImportArg},
                {Format::kTflite, "ARG_MIN", 1, INT_MAX, ImportArg}};
  return op;
}

}  // namespace slipway
