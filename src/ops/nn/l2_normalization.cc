// TFLite's L2 normalisation along the last axis; 8-bit integers to the bit.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/nn/inverse_root.h"
#include "ops/nn/normalize.h"
#include "ops/nn/quantized.h"

namespace slipway {
namespace {

Status RunQuantized(const RunContext& context, int64_t depth) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Quant* xq = context.in_quant(0);
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, xq, "input"));
  const auto zero = static_cast<int32_t>(ZeroPointOf(*xq));
  const int32_t y_zero = y.dtype() == DType::kU8 ? 128 : 0;
  const std::vector<int32_t> values = Integers(x);
  for (int64_t first = 0; first < x.count(); first += depth) {
    int32_t sum = 0;
    for (int64_t i = first; i < first + depth; ++i) {
      const int32_t diff = values[static_cast<size_t>(i)] - zero;
      sum += diff * diff;
    }
    FixedMultiplier inverse = InverseRoot(sum);
    // The output's 1/128: u8 scales the operand, i8 the multiplier.
    const bool is_u8 = y.dtype() == DType::kU8;
    if (!is_u8) inverse.shift += 7;
    const int32_t factor = is_u8 ? 128 : 1;
    for (int64_t i = first; i < first + depth; ++i) {
      const int32_t scaled =
          MultiplyByQuantizedMultiplier(factor * (values[static_cast<size_t>(i)] - zero), inverse);
      StoreInt(y.dtype(), y.data(), i,
               std::clamp<int64_t>(y_zero + scaled, MinOfInteger(y.dtype()), MaxOfInteger(y.dtype())));
    }
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  if (x.count() == 0) return Status::Ok();
  const int64_t depth = x.rank() == 0 ? 1 : x.dim(-1);
  if (IsInteger(x.dtype())) return RunQuantized(context, depth);
  constexpr double kSmallest = 1e-6;  // TFLite's
  for (int64_t first = 0; first < x.count(); first += depth) {
    double sum = 0;
    for (int64_t i = first; i < first + depth; ++i) {
      const double value = LoadReal(x.dtype(), x.data(), i);
      sum += value * value;
    }
    const double norm = std::max(std::sqrt(sum), kSmallest);
    for (int64_t i = first; i < first + depth; ++i) {
      StoreReal(y.dtype(), y.data(), i, LoadReal(x.dtype(), x.data(), i) / norm);
    }
  }
  return Status::Ok();
}

Status Import(ImportContext& context) {
  const std::string& activation = context.attrs().String("fused_activation_function");
  if (!activation.empty() && activation != "NONE")
    return context.Unsupported("fused activation " + activation);
  return context.Emit("L2Normalization", {context.in(0)});
}

}  // namespace

OpDef MakeL2Normalization() {
  OpDef op;
  op.name = "L2Normalization";
  op.group = "nn";
  op.summary = "Divides by the Euclidean norm along the last axis (at least 1e-6), as TFLite does.";
  op.formula = "y = x / max(sqrt(sum x^2), 1e-6)";
  const DTypeSet types = kFloats | DTypeSet{DType::kI8, DType::kU8};
  op.inputs = {{"x", types, "[...,depth]"}};
  op.outputs = {{"y", types, "as x; integers: scale 1/128, zero point 0 (i8) or 128 (u8)"}};
  op.infer = InferSameAsInput;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 3 * context.CountOfOutput(0); };
  op.cases = [] {
    std::vector<TestCase> cases = {{"row", {{.dims = {1, 40}}}, {}},
                                   {"image", {{.dims = {2, 3, 4, 33}}}, {}}};
    cases.push_back({"i8",
                     {{DType::kI8, {3, 37}, -128, 127, Quant{{0.02F}, {-9}, -1}}},
                     {},
                     1,
                     {Quant{{1.0F / 128}, {0}, -1}}});
    cases.push_back({"u8",
                     {{DType::kU8, {3, 37}, 0, 255, Quant{{0.02F}, {119}, -1}}},
                     {},
                     1,
                     {Quant{{1.0F / 128}, {128}, -1}}});
    return cases;
  };
  op.foreign = {{Format::kTflite, "L2_NORMALIZATION", 1, INT_MAX, Import}};
  return op;
}

}  // namespace slipway
