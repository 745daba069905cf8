// Clamping to a range.
#include <cmath>
#include <limits>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {
namespace {

// Quantised integers have real bounds, f32.
Status RunQuantizedClip(RunContext& context) {
  for (size_t i : {1, 2}) {
    if (context.HasInput(i) && !IsFloat(context.in(i).dtype()))
      return context.Error("the bounds of quantised integers must be floats");
  }
  const auto bound = [&](size_t i, float otherwise) {
    if (!context.HasInput(i)) return otherwise;
    return static_cast<float>(LoadReal(context.in(i).dtype(), context.in(i).data(), 0));
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return RunQuantizedClamp(context, {Activation::kClip, bound(1, -kInfinity), bound(2, kInfinity)});
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  if (IsQuantized(context)) return RunQuantizedClip(context);
  if (IsInteger(x.dtype())) {
    const int64_t low =
        context.HasInput(1) ? LoadInt(x.dtype(), context.in(1).data(), 0) : MinOfInteger(x.dtype());
    const int64_t high =
        context.HasInput(2) ? LoadInt(x.dtype(), context.in(2).data(), 0) : MaxOfInteger(x.dtype());
    for (int64_t i = 0; i < x.count(); ++i) {
      StoreInt(y.dtype(), y.data(), i, std::min(std::max(LoadInt(x.dtype(), x.data(), i), low), high));
    }
    return Status::Ok();
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double low = context.HasInput(1) ? LoadReal(x.dtype(), context.in(1).data(), 0) : -kInfinity;
  const double high = context.HasInput(2) ? LoadReal(x.dtype(), context.in(2).data(), 0) : kInfinity;
  return RunUnaryWith(context, [&](double value) {
    return std::isnan(value) ? value : std::fmin(std::fmax(value, low), high);
  });
}

Status EmitRange(ImportContext& context, double low, double high) {
  DType dtype = context.type(context.in(0)).dtype;
  const bool is_quantised = context.builder().graph().value(context.in(0)).quant.has_value();
  if (is_quantised && IsInteger(dtype)) dtype = DType::kF32;
  return context.Emit(
      "Clip", {context.in(0), context.builder().Scalar(dtype, low), context.builder().Scalar(dtype, high)});
}

Status ImportOld(ImportContext& context) {
  return EmitRange(context, context.attrs().Float("min", std::numeric_limits<float>::lowest()),
                   context.attrs().Float("max", std::numeric_limits<float>::max()));
}

Status ImportRelu6(ImportContext& context) { return EmitRange(context, 0, 6); }
Status ImportRelu0To1(ImportContext& context) { return EmitRange(context, 0, 1); }
Status ImportReluN1To1(ImportContext& context) { return EmitRange(context, -1, 1); }

}  // namespace

OpDef MakeClip() {
  OpDef op = UnaryOp(kNumbers);
  op.name = "Clip";
  op.summary = "Limits every element to [min, max]; NaN stays NaN.";
  op.formula = "y = min(max(x, min), max)";
  op.inputs.push_back({"min", kNumbers, "scalar; none: no lower limit", Arity::kOptional});
  op.inputs.push_back({"max", kNumbers, "scalar; none: no upper limit", Arity::kOptional});
  op.reference = Reference;
  op.cases = [] {
    std::vector<TestCase> cases = WithQuantized(UnaryCases(-8, 8), {-8, 8}, {0, 6});
    for (TestCase& each : cases) {
      each.inputs.push_back({.dtype = DType::kF32, .dims = {}, .values = {0}, .is_constant = true});
      each.inputs.push_back({.dtype = DType::kF32, .dims = {}, .values = {6}, .is_constant = true});
    }
    return cases;
  };
  op.foreign = {{Format::kOnnx, "Clip", 11},
                {Format::kOnnx, "Clip", 1, 10, ImportOld},
                {Format::kTensorflow, "Relu6", 1, INT_MAX, ImportRelu6},
                {Format::kTensorflow, "ClipByValue"},
                {Format::kTflite, "RELU6", 1, INT_MAX, ImportRelu6},
                {Format::kTflite, "RELU_0_TO_1", 1, INT_MAX, ImportRelu0To1},
                {Format::kTflite, "RELU_N1_TO_1", 1, INT_MAX, ImportReluN1To1}};
  return op;
}

}  // namespace slipway
