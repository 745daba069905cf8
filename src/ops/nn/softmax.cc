// Softmax.
#include "ops/nn/softmax.h"

#include <algorithm>
#include <cmath>

namespace slipway {
namespace {

Status Reference(RunContext& context) {
  if (IsInteger(context.in(0).dtype())) return RunQuantizedSoftmax(context);
  const double beta = static_cast<double>(context.attrs().Float("beta", 1));
  return RunRows(context, [beta](std::vector<double>& values) {
    const double highest = *std::max_element(values.begin(), values.end());
    double sum = 0;
    for (double& value : values) sum += value = std::exp((value - highest) * beta);
    for (double& value : values) value /= sum;
  });
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases = SoftmaxCases();
  cases.push_back({"beta", {{.dims = {2, 19}}}, {{"beta", 0.5F}}});
  const Quant i8{{0.09F}, {-11}, -1}, u8{{0.12F}, {140}, -1}, i16{{1.0F / 4096}, {0}, -1};
  cases.push_back({"i8", {{DType::kI8, {3, 41}, -128, 127, i8}}, {}, 1, {Quant{{1.0F / 256}, {-128}, -1}}});
  cases.push_back({"u8", {{DType::kU8, {2, 1001}, 0, 255, u8}}, {}, 1, {Quant{{1.0F / 256}, {0}, -1}}});
  cases.push_back(
      {"i16", {{DType::kI16, {2, 33}, -32768, 32767, i16}}, {}, 1, {Quant{{1.0F / 32768}, {0}, -1}}});
  return cases;
}

}  // namespace

OpDef MakeSoftmax() {
  OpDef op;
  op.name = "Softmax";
  op.group = "nn";
  op.summary = "Exponentials normalised to a sum of 1 along an axis.";
  op.formula = "y = exp(beta * (x - max x)) / sum exp(beta * (x - max x))";
  const DTypeSet types = kFloats | DTypeSet{DType::kI8, DType::kU8, DType::kI16};
  op.inputs = {{"x", types, "any shape"}};
  op.outputs = {{"y", types, "as x"}};
  op.attrs = SoftmaxAttrs();
  op.attrs.push_back(FloatAttr("beta", 1, "factor on the exponents"));
  op.infer = InferSoftmax;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 4 * context.CountOfOutput(0); };
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "Softmax", 1, 12, ImportOldOnnxSoftmax},
                {Format::kOnnx, "Softmax", 13},
                {Format::kTflite, "SOFTMAX", 1, INT_MAX, ImportLastAxisSoftmax},
                {Format::kTensorflow, "Softmax", 1, INT_MAX, ImportLastAxisSoftmax}};
  return op;
}

}  // namespace slipway
