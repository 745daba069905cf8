// Softmax.
#include "ops/nn/softmax.h"

#include <algorithm>
#include <cmath>

namespace slipway {
namespace {

// TFLite lets a row of 8 bits give 16.
Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(InferSoftmax(context));
  const DType wanted = context.attrs().Type("output_dtype");
  if (wanted == DType::kNone || wanted == context.dtype(0)) return Status::Ok();
  if (context.dtype(0) != DType::kI8 || wanted != DType::kI16)
    return context.Error("gives " + std::string(DTypeName(wanted)) + " for " +
                         std::string(DTypeName(context.dtype(0))) + "; only i16 for i8 is known");
  Type type = context.output(0).type;
  type.dtype = wanted;
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status ImportTflite(ImportContext& context) {
  Attrs attrs = {{"axis", int64_t{-1}}, {"beta", context.attrs().Float("beta", 1)}};
  const bool is_widened = !context.node().outputs.empty() &&
                          context.node().outputs[0].type.dtype == DType::kI16 &&
                          context.type(context.in(0)).dtype == DType::kI8;
  if (is_widened) attrs.Set("output_dtype", DType::kI16);
  return context.Emit("Softmax", {context.in(0)}, std::move(attrs));
}

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
  cases.push_back({"i8_to_i16",
                   {{DType::kI8, {3, 41}, -128, 127, i8}},
                   {{"output_dtype", DType::kI16}},
                   1,
                   {Quant{{1.0F / 65536}, {-32768}, -1}}});
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
  op.attrs.push_back(DTypeAttr("output_dtype", DType::kNone, "i16 for a quantised x of i8; none: as x"));
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 4 * context.CountOfOutput(0); };
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "Softmax", 1, 12, ImportOldOnnxSoftmax},
                {Format::kOnnx, "Softmax", 13},
                {Format::kTflite, "SOFTMAX", 1, INT_MAX, ImportTflite},
                {Format::kTensorflow, "Softmax", 1, INT_MAX, ImportLastAxisSoftmax}};
  return op;
}

}  // namespace slipway
