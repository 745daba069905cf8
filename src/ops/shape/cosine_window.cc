// Window functions for spectra that are sums of cosines: Hann, Hamming, Blackman.
//
// Source: ONNX HannWindow-17, HammingWindow-17 and BlackmanWindow-17.
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/onnx_dtype.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const DType dtype = context.attrs().Type("dtype");
  const auto size = context.content(0);
  const bool is_known = size && size->size() == 1 && (*size)[0].IsKnown();
  if (is_known && (*size)[0].value() < 0)
    return context.Error("the size is " + (*size)[0].ToString() + "; it must not be negative");
  context.SetOutput(0, dtype, {size && size->size() == 1 ? (*size)[0] : Dim()});
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& size = context.in(0);
  if (size.count() != 1) return context.Error("the size must be one number");
  const int64_t length = LoadInt(size.dtype(), size.data(), 0);
  if (length < 0) return context.Error("the size must not be negative");
  SLIPWAY_RETURN_IF_ERROR(ElementCount(Dims{length}).status());
  Tensor& y = context.AllocateOutput(0, {length});
  const Floats& weights = context.attrs().FloatList("weights");
  const bool is_periodic = context.attrs().Int("periodic") != 0;
  const auto period = static_cast<double>(is_periodic ? length : length - 1);
  for (int64_t i = 0; i < length; ++i) {
    double sum = 0;
    for (size_t k = 0; k < weights.size(); ++k)
      sum += static_cast<double>(weights[k]) *
             std::cos(2 * M_PI * static_cast<double>(k) * static_cast<double>(i) / period);
    StoreReal(y.dtype(), y.data(), i, sum);
  }
  return Status::Ok();
}

Status ImportOnnx(ImportContext& context, Floats weights) {
  const int64_t number = context.attrs().Int("output_datatype", 1);
  const auto dtype = DTypeFromOnnx(number);
  if (!dtype) return context.Error("output_datatype " + std::to_string(number) + " is unknown");
  return context.Emit(
      "CosineWindow", {context.in(0)},
      {{"weights", std::move(weights)}, {"periodic", context.attrs().Int("periodic", 1)}, {"dtype", *dtype}});
}

Status ImportHann(ImportContext& context) { return ImportOnnx(context, {0.5F, -0.5F}); }
Status ImportHamming(ImportContext& context) { return ImportOnnx(context, {25.0F / 46, -21.0F / 46}); }
Status ImportBlackman(ImportContext& context) { return ImportOnnx(context, {0.42F, -0.5F, 0.08F}); }

}  // namespace

OpDef MakeCosineWindow() {
  OpDef op;
  op.name = "CosineWindow";
  op.group = "shape";
  op.summary = "A window function made of cosines: Hann, Hamming, Blackman.";
  op.formula = "y[i] = sum over k of weights[k] * cos(2 pi k i / period)";
  op.inputs = {{"size", kIndices, "one number"}};
  op.outputs = {{"y", kNumbers, "[size]"}};
  op.attrs = {
      FloatsAttr("weights", {0.5F, -0.5F}, "of the constant and of each further cosine; Hann's otherwise"),
      IntAttr("periodic", 1, "1: the period is size; 0: size - 1, both ends alike"),
      DTypeAttr("dtype", DType::kF32, "type of the result")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const TestInput size{.dtype = DType::kI64, .dims = {}, .values = {10}, .is_constant = true};
    return std::vector<TestCase>{
        {"hann", {size}, {}},
        {"blackman", {size}, {{"weights", Floats{0.42F, -0.5F, 0.08F}}, {"periodic", int64_t{0}}}}};
  };
  op.foreign = {{Format::kOnnx, "HannWindow", 17, INT_MAX, ImportHann},
                {Format::kOnnx, "HammingWindow", 17, INT_MAX, ImportHamming},
                {Format::kOnnx, "BlackmanWindow", 17, INT_MAX, ImportBlackman}};
  return op;
}

}  // namespace slipway
