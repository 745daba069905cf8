// TFLite's QUANTIZE: to the scale and zero point that the output value carries, from reals or from other
// integers.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/nn/quantized.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  Type type = context.input(0);
  type.dtype = context.attrs().Type("to");
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

// Slice of element i along the quantised axis.
int64_t SliceOf(const Quant& quant, const Dims& dims, int64_t i) {
  if (!quant.IsPerAxis() || quant.scales.size() <= 1 || quant.axis >= static_cast<int>(dims.size())) return 0;
  for (size_t k = dims.size() - 1; k > static_cast<size_t>(quant.axis); --k) i /= dims[k];
  return i % dims[static_cast<size_t>(quant.axis)];
}

int64_t SlicesOf(const Quant* quant, const Dims& dims) {
  const bool is_per_axis =
      quant != nullptr && quant->IsPerAxis() && quant->axis < static_cast<int>(dims.size());
  return is_per_axis ? dims[static_cast<size_t>(quant->axis)] : 1;
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Quant* yq = context.out_quant(0);
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, yq, "output", SlicesOf(yq, y.dims())));
  const ClampRange clamp = QuantizedClamp({}, y.dtype(), *yq);
  if (!IsInteger(x.dtype())) {
    for (int64_t i = 0; i < x.count(); ++i) {
      const int64_t slice = SliceOf(*yq, x.dims(), i);
      const auto value = static_cast<float>(LoadReal(x.dtype(), x.data(), i));
      const double rounded = std::round(static_cast<double>(value / ScaleOf(*yq, slice)));
      const double bounded = std::isnan(rounded) ? 0 : std::clamp(rounded, -2147483648.0, 2147483647.0);
      const int64_t step = static_cast<int64_t>(bounded) + ZeroPointOf(*yq, slice);
      StoreInt(y.dtype(), y.data(), i, std::clamp(step, clamp.low, clamp.high));
    }
    return Status::Ok();
  }
  const Quant* xq = context.in_quant(0);
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, xq, "input"));
  const FixedMultiplier multiplier =
      QuantizeMultiplier(static_cast<double>(ScaleOf(*xq)) / static_cast<double>(ScaleOf(*yq)));
  for (int64_t i = 0; i < x.count(); ++i) {
    const int64_t value = LoadInt(x.dtype(), x.data(), i) - ZeroPointOf(*xq);
    StoreInt(y.dtype(), y.data(), i, Requantize(value, multiplier, ZeroPointOf(*yq), clamp));
  }
  return Status::Ok();
}

Status Import(ImportContext& context) {
  const DType to = context.node().outputs[0].type.dtype;
  if (to == DType::kNone) return context.Error("the output has no type");
  return context.Emit("Quantize", {context.in(0)}, {{"to", to}});
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases;
  const Quant i8{{0.031F}, {-7}, -1}, u8{{0.043F}, {99}, -1}, i16{{1.0F / 4000}, {0}, -1};
  const std::tuple<const char*, DType, Quant> targets[] = {
      {"i8", DType::kI8, i8}, {"u8", DType::kU8, u8}, {"i16", DType::kI16, i16}};
  for (const auto& [name, dtype, quant] : targets) {
    cases.push_back({std::string("f32_to_") + name, {{.dims = {3, 71}}}, {{"to", dtype}}, 1, {quant}});
    cases.push_back({std::string("i8_to_") + name,
                     {{DType::kI8, {3, 71}, -128, 127, Quant{{0.05F}, {3}, -1}}},
                     {{"to", dtype}},
                     1,
                     {quant}});
    cases.push_back({std::string("u8_to_") + name,
                     {{DType::kU8, {130}, 0, 255, Quant{{0.02F}, {131}, -1}}},
                     {{"to", dtype}},
                     1,
                     {quant}});
  }
  return cases;
}

}  // namespace

OpDef MakeQuantize() {
  OpDef op;
  op.name = "Quantize";
  op.group = "quant";
  op.summary =
      "To the scale and zero point that the output carries, from reals or from integers of another scale.";
  op.formula = "y = saturate(round(x / scale) + zero_point)";
  op.inputs = {{"x", kFloats | kInts, "any shape; integers carry their quantisation"}};
  op.outputs = {{"y", {DType::kI8, DType::kU8, DType::kI16, DType::kI32, DType::kI4}, "the shape of x"}};
  op.attrs = {Required(DTypeAttr("to", DType::kI8, "y's type"))};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 3 * context.CountOfOutput(0); };
  op.cases = Cases;
  op.foreign = {{Format::kTflite, "QUANTIZE", 1, INT_MAX, Import}};
  return op;
}

}  // namespace slipway
