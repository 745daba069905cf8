// Integers or small floats to reals by explicit scales and zero points.
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/onnx_dtype.h"
#include "ops/quant/scale_map.h"

namespace slipway {
namespace {

constexpr DTypeSet kSources =
    DTypeSet{DType::kI8, DType::kU8, DType::kI16, DType::kU16, DType::kI32} | kSubByteInts | kSmallFloats;

Status Infer(InferContext& context) {
  Type type = context.input(0);
  type.dtype = context.attrs().Type("output_dtype",
                                    context.dtype(1) == DType::kF8E8M0 ? DType::kF32 : context.dtype(1));
  context.SetOutput(0, std::move(type));
  return CheckScales(context, 1);
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& scale = context.in(1);
  Tensor& y = context.out(0);
  const ScaleMap map = MapScales(context, 1);
  const bool is_integer = IsInteger(x.dtype());
  for (int64_t i = 0; i < x.count(); ++i) {
    const int64_t k = map(i);
    double value = LoadReal(x.dtype(), x.data(), i);
    if (is_integer && context.HasInput(2)) value -= LoadReal(context.in(2).dtype(), context.in(2).data(), k);
    StoreReal(y.dtype(), y.data(), i, value * LoadReal(scale.dtype(), scale.data(), k));
  }
  return Status::Ok();
}

Status ImportOnnx(ImportContext& context) {
  Attrs attrs;
  for (const char* name : {"axis", "block_size"}) {
    if (const Attr* attr = context.attrs().Find(name)) attrs.Set(name, *attr);
  }
  if (const int64_t type = context.attrs().Int("output_dtype"); type != 0) {
    const auto dtype = DTypeFromOnnx(type);
    if (!dtype) return context.Unsupported("output_dtype " + std::to_string(type) + " is unknown");
    attrs.Set("output_dtype", *dtype);
  }
  return context.Emit("DequantizeLinear", {context.in(0), context.in(1), context.in(2)}, std::move(attrs));
}

// TensorFlow's Dequantize maps [lowest, highest] of the integers onto [min_range, max_range]:
// y = (x - lowest) * step + base, step = (max - min) / (levels - 1). MIN_FIRST makes base a whole number of
// steps.
Status ImportTf(ImportContext& context) {
  const Attrs& attrs = context.attrs();
  const DType from = context.type(context.in(0)).dtype;
  if (from != DType::kU8 && from != DType::kI8 && from != DType::kU16 && from != DType::kI16) {
    return context.Unsupported("input of type " + std::string(DTypeName(from)) + " is not supported");
  }
  if (attrs.Int("axis", -1) != -1) return context.Unsupported("ranges per axis are not supported");
  SLIPWAY_ASSIGN_OR_RETURN(const double low, context.ConstantScalar(1, 0));
  SLIPWAY_ASSIGN_OR_RETURN(const double high, context.ConstantScalar(2, 0));
  const std::string& mode = attrs.String("mode");
  float step = 0;
  float base = 0;
  auto lowest = static_cast<float>(MinOfInteger(from));
  const auto range = static_cast<float>(high) - static_cast<float>(low);
  step = range / static_cast<float>(MaxOfInteger(from) - MinOfInteger(from));
  base = static_cast<float>(low);
  if (mode == "MIN_FIRST") {
    if (step != 0) base = std::round(base / step) * step;
  } else if (mode == "SCALED") {
    const double largest = static_cast<double>(MaxOfInteger(from));
    const bool is_narrow = attrs.Int("narrow_range") != 0;
    const double smallest = static_cast<double>(MinOfInteger(from)) + (is_narrow ? 1 : 0);
    step = static_cast<float>(IsSigned(from) ? std::max(low / smallest, high / largest) : high / largest);
    base = lowest = 0;
  } else if (!mode.empty() && mode != "MIN_COMBINED") {
    return context.Unsupported("mode " + mode + " is unknown");
  }
  const auto real = [&](double q) { return (static_cast<float>(q) - lowest) * step + base; };
  if (const Tensor* tensor = context.constant(context.in(0))) {
    Tensor result(DType::kF32, tensor->dims());
    for (int64_t i = 0; i < tensor->count(); ++i)
      result.as<float>()[i] = real(LoadReal(from, tensor->data(), i));
    context.Bind(0, context.builder().Constant(context.node().name, std::move(result)));
    return Status::Ok();
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId cast, context.Add("Cast", {context.in(0)}, {{"to", DType::kF32}}));
  const ValueId shift = context.builder().Scalar(DType::kF32, static_cast<double>(lowest));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId shifted, context.Add("Sub", {cast, shift}));
  const ValueId factor = context.builder().Scalar(DType::kF32, static_cast<double>(step));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId scaled, context.Add("Mul", {shifted, factor}));
  return context.Emit("Add", {scaled, context.builder().Scalar(DType::kF32, static_cast<double>(base))});
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases;
  for (const DType dtype : {DType::kI8, DType::kU8, DType::kI16, DType::kU16, DType::kI32}) {
    const double low = static_cast<double>(MinOfInteger(dtype == DType::kI32 ? DType::kI16 : dtype));
    const double high = static_cast<double>(MaxOfInteger(dtype == DType::kI32 ? DType::kI16 : dtype));
    const std::string name(DTypeName(dtype));
    cases.push_back({name,
                     {{.dtype = dtype, .dims = {3, 41}, .low = low, .high = high},
                      {.dims = {}, .values = {0.037}, .is_constant = true},
                      {.dtype = dtype, .dims = {}, .values = {5}, .is_constant = true}},
                     {}});
    cases.push_back({name + "_axis",
                     {{.dtype = dtype, .dims = {2, 3, 7}, .low = low, .high = high},
                      {.dims = {3}, .values = {0.02, 0.1, 0.5}, .is_constant = true},
                      {.dtype = dtype, .dims = {3}, .values = {0, 5, 9}, .is_constant = true}},
                     {{"axis", int64_t{1}}}});
  }
  return cases;
}

}  // namespace

OpDef MakeDequantizeLinear() {
  OpDef op;
  op.name = "DequantizeLinear";
  op.group = "quant";
  op.summary = "Integers or small floats to reals by a scale and a zero point, per tensor, axis or block.";
  op.formula = "y = (x - zero_point) * scale";
  op.inputs = {
      {"x", kSources, "any shape"},
      {"scale", kFloats | DTypeSet{DType::kF8E8M0}, "scalar, [extent of axis], or blocked; its type is y's"},
      {"zero_point", kSources, "the shape of scale", Arity::kOptional}};
  op.outputs = {{"y", kFloats, "the shape of x"}};
  op.attrs = {IntAttr("axis", 1, "of per-axis and blocked scales"),
              IntAttr("block_size", 0, "elements along axis that share a scale; 0: all"),
              DTypeAttr("output_dtype", DType::kNone, "y's type; absent: the scale's")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 2 * context.CountOfOutput(0); };
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "DequantizeLinear", 10, INT_MAX, ImportOnnx},
                {Format::kOnnx, "DequantizeLinear", 1, INT_MAX, ImportOnnx, "com.microsoft"},
                {Format::kTensorflow, "Dequantize", 1, INT_MAX, ImportTf}};
  return op;
}

}  // namespace slipway
