// TFLite's DEQUANTIZE: integers by the scale and zero point that they carry, or half floats, to f32.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/nn/quantized.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  Type type = context.input(0);
  type.dtype = DType::kF32;
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  float* y = context.out(0).as<float>();
  if (!IsInteger(x.dtype())) {
    for (int64_t i = 0; i < x.count(); ++i) y[i] = static_cast<float>(LoadReal(x.dtype(), x.data(), i));
    return Status::Ok();
  }
  const Quant* quant = context.in_quant(0);
  const bool is_per_axis = quant != nullptr && quant->IsPerAxis() && quant->axis < x.rank();
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, quant, "input", is_per_axis ? x.dim(quant->axis) : 1));
  int64_t inner = 1;
  for (int k = is_per_axis ? quant->axis + 1 : x.rank(); k < x.rank(); ++k) inner *= x.dim(k);
  const int64_t extent = is_per_axis ? x.dim(quant->axis) : 1;
  for (int64_t i = 0; i < x.count(); ++i) {
    const int64_t slice = i / inner % extent;
    const double value = static_cast<double>(LoadInt(x.dtype(), x.data(), i) - ZeroPointOf(*quant, slice));
    y[i] = static_cast<float>(static_cast<double>(ScaleOf(*quant, slice)) * value);
  }
  return Status::Ok();
}

// Dequantised minus what it should be. LiteRT can also end a run where the difference is too great.
Status ImportNumericVerify(ImportContext& context) {
  if (context.num_inputs() != 2) return context.Error("needs an operand and what it should be");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId real, context.Add("Dequantize", {context.in(0)}));
  return context.Emit("Sub", {real, context.in(1)});
}

std::vector<TestCase> Cases() {
  return {{"i8", {{DType::kI8, {3, 71}, -128, 127, Quant{{0.037F}, {-7}, -1}}}, {}},
          {"u8", {{DType::kU8, {130}, 0, 255, Quant{{0.02F}, {99}, -1}}}, {}},
          {"i16", {{DType::kI16, {7, 5}, -32768, 32767, Quant{{1.0F / 4000}, {0}, -1}}}, {}},
          {"per_axis", {{DType::kI8, {2, 3, 5}, -127, 127, Quant{{0.1F, 0.2F, 0.3F}, {0, 0, 0}, 1}}}, {}},
          {"f16", {{.dtype = DType::kF16, .dims = {4, 33}}}, {}}};
}

}  // namespace

OpDef MakeDequantize() {
  OpDef op;
  op.name = "Dequantize";
  op.group = "quant";
  op.summary = "Integers by the scale and zero point that they carry, or half floats, to f32.";
  op.formula = "y = scale * (x - zero_point)";
  op.inputs = {{"x", kInts | kSubByteInts | DTypeSet{DType::kF16, DType::kBF16, DType::kF32}, "any shape"}};
  op.outputs = {{"y", {DType::kF32}, "the shape of x"}};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 2 * context.CountOfOutput(0); };
  op.cases = Cases;
  op.foreign = {{Format::kTflite, "DEQUANTIZE", 1, INT_MAX,
                 [](ImportContext& context) { return context.Emit("Dequantize", {context.in(0)}); }},
                {Format::kTflite, "NumericVerify", 1, INT_MAX, ImportNumericVerify}};
  return op;
}

}  // namespace slipway
