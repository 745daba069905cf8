// LogSoftmax.
#include <algorithm>
#include <cmath>

#include "ops/nn/softmax.h"

namespace slipway {

OpDef MakeLogSoftmax() {
  OpDef op;
  op.name = "LogSoftmax";
  op.group = "nn";
  op.summary = "Logarithm of Softmax, computed without overflow.";
  op.formula = "y = x - max x - log(sum exp(x - max x))";
  const DTypeSet types = kFloats | DTypeSet{DType::kI8, DType::kU8};
  op.inputs = {{"x", types, "any shape"}};
  op.outputs = {{"y", types, "as x"}};
  op.attrs = SoftmaxAttrs();
  op.infer = InferSoftmax;
  op.reference = [](RunContext& context) {
    if (IsInteger(context.in(0).dtype())) return RunQuantizedLogSoftmax(context);
    return RunRows(context, [](std::vector<double>& values) {
      const double highest = *std::max_element(values.begin(), values.end());
      double sum = 0;
      for (double value : values) sum += std::exp(value - highest);
      for (double& value : values) value -= highest + std::log(sum);
    });
  };
  op.flops = [](const InferContext& context) { return 4 * context.CountOfOutput(0); };
  op.cases = SoftmaxCases;
  op.foreign = {{Format::kOnnx, "LogSoftmax", 1, 12, ImportOldOnnxSoftmax},
                {Format::kOnnx, "LogSoftmax", 13},
                {Format::kTflite, "LOG_SOFTMAX", 1, INT_MAX, ImportLastAxisSoftmax},
                {Format::kTensorflow, "LogSoftmax", 1, INT_MAX, ImportLastAxisSoftmax}};
  return op;
}

}  // namespace slipway
