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
  op.cases = [] {
    std::vector<TestCase> cases = SoftmaxCases();
    // The results' scale and zero point are set by definition: 1/16 steps below 0.
    const Quant i8{{0.2F}, {-11}, -1}, u8{{0.2F}, {140}, -1};
    cases.push_back({"i8", {{DType::kI8, {3, 41}, -128, 127, i8}}, {}, 1, {Quant{{1.0F / 16}, {127}, -1}}});
    cases.push_back({"u8", {{DType::kU8, {3, 41}, 0, 255, u8}}, {}, 1, {Quant{{1.0F / 16}, {255}, -1}}});
    return cases;
  };
  op.foreign = {{Format::kOnnx, "LogSoftmax", 1, 12, ImportOldOnnxSoftmax},
                {Format::kOnnx, "LogSoftmax", 13},
                {Format::kTflite, "LOG_SOFTMAX", 1, INT_MAX, ImportLastAxisSoftmax},
                {Format::kTensorflow, "LogSoftmax", 1, INT_MAX, ImportLastAxisSoftmax}};
  return op;
}

}  // namespace slipway
