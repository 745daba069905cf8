// Reals to integers or small floats by explicit scales and zero points.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/onnx_dtype.h"
#include "ops/quant/qlinear.h"
#include "ops/quant/scale_map.h"

namespace slipway {
namespace {

constexpr DTypeSet kTargets =
    DTypeSet{DType::kI8, DType::kU8, DType::kI16, DType::kU16, DType::kI32} | kSubByteInts | kSmallFloats;

DType TargetOf(const InferContext& context) {
  if (context.HasInput(2) && context.dtype(2) != DType::kNone) return context.dtype(2);
  return context.attrs().Type("output_dtype", DType::kU8);
}

Status Infer(InferContext& context) {
  Type type = context.input(0);
  type.dtype = TargetOf(context);
  const DType asked = context.attrs().Type("output_dtype", type.dtype);
  if (asked != type.dtype) {
    return context.Error("output_dtype is " + std::string(DTypeName(asked)) + ", the zero point is " +
                         std::string(DTypeName(type.dtype)));
  }
  if (!kTargets.Has(type.dtype))
    return context.Error("cannot quantise to " + std::string(DTypeName(type.dtype)));
  context.SetOutput(0, std::move(type));
  return CheckScales(context, 1);
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& scale = context.in(1);
  Tensor& y = context.out(0);
  const ScaleMap map = MapScales(context, 1);
  const bool is_integer = IsInteger(y.dtype());
  const bool has_zero = context.HasInput(2) && is_integer;
  const bool is_f8 = BitsOf(y.dtype()) == 8 && !is_integer;
  const Overflow overflow =
      context.attrs().Int("saturate", 1) != 0 ? Overflow::kSaturate : Overflow::kToInfinity;
  for (int64_t i = 0; i < x.count(); ++i) {
    const int64_t k = map(i);
    // The quotient is rounded to f32, as ONNX has it.
    const float value = static_cast<float>(LoadReal(x.dtype(), x.data(), i)) /
                        static_cast<float>(LoadReal(scale.dtype(), scale.data(), k));
    if (is_integer) {
      const double zero =
          has_zero ? static_cast<double>(LoadInt(context.in(2).dtype(), context.in(2).data(), k)) : 0;
      const double rounded = std::nearbyint(static_cast<double>(value)) + zero;
      const double low = static_cast<double>(MinOfInteger(y.dtype()));
      const double high = static_cast<double>(MaxOfInteger(y.dtype()));
      StoreInt(y.dtype(), y.data(), i,
               std::isnan(rounded) ? 0 : static_cast<int64_t>(std::clamp(rounded, low, high)));
    } else if (is_f8) {
      y.as<uint8_t>()[i] = EncodeSmallFloat(y.dtype(), static_cast<double>(value), overflow);
    } else {
      StoreReal(y.dtype(), y.data(), i, static_cast<double>(value) + 0.0);  // -0 becomes 0, as in ONNX
    }
  }
  return Status::Ok();
}

Status ImportOnnx(ImportContext& context) {
  Attrs attrs;
  for (const char* name : {"axis", "block_size", "saturate"}) {
    if (const Attr* attr = context.attrs().Find(name)) attrs.Set(name, *attr);
  }
  if (const int64_t type = context.attrs().Int("output_dtype"); type != 0) {
    const auto dtype = DTypeFromOnnx(type);
    if (!dtype) return context.Unsupported("output_dtype " + std::to_string(type) + " is unknown");
    attrs.Set("output_dtype", *dtype);
  }
  return context.Emit("QuantizeLinear", {context.in(0), context.in(1), context.in(2)}, std::move(attrs));
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases;
  for (const DType dtype : {DType::kI8, DType::kU8, DType::kI16, DType::kU16}) {
    const double zero = IsSigned(dtype) ? -3 : 120;
    const std::string name(DTypeName(dtype));
    cases.push_back({name,
                     {{.dims = {3, 41}},
                      {.dims = {}, .values = {0.037}, .is_constant = true},
                      {.dtype = dtype, .dims = {}, .values = {zero}, .is_constant = true}},
                     {}});
    cases.push_back({name + "_axis",
                     {{.dims = {2, 3, 7}},
                      {.dims = {3}, .values = {0.02, 0.1, 0.5}, .is_constant = true},
                      {.dtype = dtype, .dims = {3}, .values = {0, 5, 9}, .is_constant = true}},
                     {{"axis", int64_t{1}}}});
  }
  cases.push_back({"blocked",
                   {{.dims = {2, 8}}, {.dims = {2, 2}, .values = {0.1, 0.2, 0.3, 0.4}, .is_constant = true}},
                   {{"axis", int64_t{1}}, {"block_size", int64_t{4}}}});
  return cases;
}

}  // namespace

OpDef MakeQuantizeLinear() {
  OpDef op;
  op.name = "QuantizeLinear";
  op.group = "quant";
  op.summary = "Reals to integers or small floats by a scale and a zero point, per tensor, axis or block.";
  op.formula = "y = saturate(round_half_even(x / scale) + zero_point)";
  op.inputs = {
      {"x", kFloats | DTypeSet{DType::kI32}, "any shape"},
      {"scale", kFloats | DTypeSet{DType::kF8E8M0, DType::kI32}, "scalar, [extent of axis], or blocked"},
      {"zero_point", kTargets, "the shape of scale; its type is y's", Arity::kOptional}};
  op.outputs = {{"y", kTargets, "the shape of x"}};
  op.attrs = {IntAttr("axis", 1, "of per-axis and blocked scales"),
              IntAttr("block_size", 0, "elements along axis that share a scale; 0: all"),
              IntAttr("saturate", 1, "8-bit floats: 0: overflow gives infinity or NaN"),
              DTypeAttr("output_dtype", DType::kNone, "y's type when there is no zero point; absent: u8")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 3 * context.CountOfOutput(0); };
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "QuantizeLinear", 10, INT_MAX, ImportOnnx},
                {Format::kOnnx, "QuantizeLinear", 1, INT_MAX, ImportOnnx, "com.microsoft"}};
  for (ForeignRow& row : QLinearRows()) op.foreign.push_back(std::move(row));
  return op;
}

}  // namespace slipway
