// Index of the largest element along an axis.
#include "ops/reduce/arg_extreme.h"

namespace slipway {

OpDef MakeArgMax() {
  OpDef op = ArgOp();
  op.name = "ArgMax";
  op.summary = "Index of the largest element along an axis.";
  op.formula = "y = argmax(x)";
  op.reference = [](RunContext& context) { return RunArg(context, Extreme::kLargest); };
  op.foreign = {{Format::kOnnx, "ArgMax"},
                {Format::kTensorflow, "ArgMax", 1, INT_MAX, ImportArg},
                {Format::kTflite, "ARG_MAX", 1, INT_MAX, ImportArg}};
  return op;
}

}  // namespace slipway
