// Fully connected layer with weights [O,I], as TFLite has it; integers and dynamic range to the bit as
// TFLite.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/nn/foreign.h"
#include "ops/nn/quantized.h"
#include "ops/nn/reals.h"
#include "ops/nn/residual.h"

namespace slipway {
namespace {

Status InferResult(InferContext& context) {
  const DType dtype = context.dtype(0);
  context.SetOutput(0, Type::OfUnknownShape(dtype));
  if (!context.shape(0) || !context.shape(1)) return Status::Ok();
  const DimList& x = *context.shape(0);
  const DimList& w = *context.shape(1);
  if (w.size() != 2) return context.Error("weights " + ToString(w) + " must be [O,I]");
  if (context.HasInput(2) && context.shape(2)) {
    const DimList& b = *context.shape(2);
    const bool is_wrong = b.size() != 1 || (b[0].IsKnown() && w[0].IsKnown() && b[0].value() != w[0].value());
    if (is_wrong) return context.Error("bias is " + ToString(b) + ", needs [" + w[0].ToString() + "]");
  }
  const Dim& depth = w[1];
  if (context.attrs().Int("keep_num_dims") != 0) {
    if (x.empty() || (x.back().IsKnown() && depth.IsKnown() && x.back().value() != depth.value())) {
      return context.Error("input " + ToString(x) + " does not end in " + depth.ToString() +
                           ", the weights' depth");
    }
    DimList shape = x;
    shape.back() = w[0];
    context.SetOutput(0, dtype, std::move(shape));
    return Status::Ok();
  }
  Dim count(1);
  const bool is_plain = !x.empty() && x.back().SurelyEquals(depth);
  for (size_t i = 0; i + (is_plain ? 1 : 0) < x.size(); ++i) count = count * x[i];
  if (!is_plain) {
    const bool is_uneven =
        count.IsKnown() && depth.IsKnown() && (depth.value() < 1 || count.value() % depth.value() != 0);
    if (is_uneven)
      return context.Error("input " + ToString(x) + " does not divide into rows of " + depth.ToString());
    count = FloorDiv(count, depth);
  }
  context.SetOutput(0, dtype, {count, w[0]});
  return Status::Ok();
}

Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(InferResult(context));
  return CheckResidual(context);
}

struct Call {
  int64_t batch = 0, depth = 0, units = 0;
};

Status RunReal(const RunContext& context, const Call& call) {
  const std::vector<double> x = Reals(context.in(0));
  const std::vector<double> w = Reals(context.in(1));
  const std::vector<double> b = context.HasInput(2) ? Reals(context.in(2)) : std::vector<double>();
  const LayerEnd end(context);
  Tensor& y = context.out(0);
  for (int64_t n = 0; n < call.batch; ++n) {
    for (int64_t o = 0; o < call.units; ++o) {
      double sum = b.empty() ? 0 : b[static_cast<size_t>(o)];
      const double* row = x.data() + n * call.depth;
      const double* column = w.data() + o * call.depth;
      for (int64_t i = 0; i < call.depth; ++i) sum += row[i] * column[i];
      const int64_t at = n * call.units + o;
      StoreReal(y.dtype(), y.data(), at, end(sum, at));
    }
  }
  return Status::Ok();
}

// i8 and i16 multiply the accumulator by the scales in double and round once, half away from zero, as
// LiteRT's reference does (its optimised kernels use fixed point); u8 keeps the legacy fixed-point rule.
Status RunQuantized(const RunContext& context, const Call& call) {
  const Quant* xq = context.in_quant(0);
  const Quant* wq = context.in_quant(1);
  const Quant* yq = context.out_quant(0);
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, xq, "input"));
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, wq, "weights", call.units));
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, yq, "output"));
  const std::vector<int32_t> x = Integers(context.in(0));
  const std::vector<int32_t> w = Integers(context.in(1));
  const std::vector<int64_t> b = context.HasInput(2) ? LongIntegers(context.in(2)) : std::vector<int64_t>();
  const bool is_per_unit = wq->scales.size() > 1;
  Tensor& y = context.out(0);
  const bool is_legacy = context.in(0).dtype() == DType::kU8;
  const FixedMultiplier legacy = OutputMultipliers(*xq, *wq, *yq, 1, ScaleProduct::kInFloat)[0];
  const ClampRange clamp = QuantizedClamp(ActivationOf(context.attrs()), y.dtype(), *yq);
  const int64_t w_zero = is_per_unit ? 0 : ZeroPointOf(*wq);
  const int64_t x_zero = ZeroPointOf(*xq);
  const int64_t y_zero = ZeroPointOf(*yq);
  for (int64_t n = 0; n < call.batch; ++n) {
    for (int64_t o = 0; o < call.units; ++o) {
      int64_t acc = b.empty() ? 0 : b[static_cast<size_t>(o)];
      for (int64_t i = 0; i < call.depth; ++i) {
        acc += (x[static_cast<size_t>(n * call.depth + i)] - x_zero) *
               (w[static_cast<size_t>(o * call.depth + i)] - w_zero);
      }
      const double scale = static_cast<double>(ScaleOf(*xq)) * static_cast<double>(ScaleOf(*wq, o)) /
                           static_cast<double>(ScaleOf(*yq));
      const auto real = static_cast<int64_t>(std::round(static_cast<double>(acc) * scale)) + y_zero;
      StoreInt(y.dtype(), y.data(), n * call.units + o,
               is_legacy ? Requantize(acc, legacy, y_zero, clamp) : std::clamp(real, clamp.low, clamp.high));
    }
  }
  return Status::Ok();
}

// f32 rows are quantised one by one; symmetric unless asymmetric_quantize_inputs is set.
Status RunHybrid(const RunContext& context, const Call& call) {
  const Quant* wq = context.in_quant(1);
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, wq, "weights", call.units));
  if (context.in(0).dtype() != DType::kF32) return context.Error("a dynamic-range layer takes f32 inputs");
  const std::vector<int32_t> w = Integers(context.in(1));
  const std::vector<double> b = context.HasInput(2) ? Reals(context.in(2)) : std::vector<double>();
  const bool is_asymmetric = context.attrs().Int("asymmetric_quantize_inputs") != 0;
  const ActivationSpec activation = ActivationOf(context.attrs());
  const bool is_per_unit = wq->scales.size() > 1;
  float* y = context.out(0).as<float>();
  for (int64_t n = 0; n < call.batch; ++n) {
    const std::span<const float> values(context.in(0).as<float>() + n * call.depth,
                                        static_cast<size_t>(call.depth));
    const QuantizedRow row = is_asymmetric ? QuantizeAsymmetric(values) : QuantizeSymmetric(values);
    for (int64_t o = 0; o < call.units; ++o) {
      int32_t acc = 0;
      for (int64_t i = 0; i < call.depth; ++i) {
        acc += (row.values[static_cast<size_t>(i)] - row.zero_point) *
               w[static_cast<size_t>(o * call.depth + i)];
      }
      float scale = row.scale * ScaleOf(*wq, is_per_unit ? o : 0);
      const float product = static_cast<float>(acc) * scale;
      const float sum = (b.empty() ? 0.0F : static_cast<float>(b[static_cast<size_t>(o)])) + product;
      y[n * call.units + o] = static_cast<float>(ApplyActivation(activation, sum));
    }
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& w = context.in(1);
  Call call;
  call.units = w.dim(0);
  call.depth = w.dim(1);
  call.batch = call.units == 0 ? 0 : context.out(0).count() / call.units;
  if (IsInteger(context.in(0).dtype())) return RunQuantized(context, call);
  if (IsInteger(w.dtype())) return RunHybrid(context, call);
  return RunReal(context, call);
}

Status ImportTflite(ImportContext& context) {
  Attrs attrs = {{"keep_num_dims", context.attrs().Int("keep_num_dims")},
                 {"asymmetric_quantize_inputs", context.attrs().Int("asymmetric_quantize_inputs")}};
  SLIPWAY_RETURN_IF_ERROR(AddTfliteActivation(context, attrs));
  const std::string& format = context.attrs().String("weights_format");
  if (!format.empty() && format != "DEFAULT") {
    return context.Unsupported("weights_format " + format + " is not supported",
                               "convert without shuffled weights");
  }
  return context.Emit("FullyConnected", {context.in(0), context.in(1), context.in(2)}, std::move(attrs));
}

// Added on either side of the activation, to rows of any rank.
void AddResidualCases(std::vector<TestCase>& cases) {
  const auto add = [&](const char* label, Dims x, Dims y, const char* activation, const char* order) {
    const int64_t units = y.back();
    const int64_t depth = x.back();
    cases.push_back({label,
                     {{.dims = std::move(x), .low = -1, .high = 1},
                      {.dims = {units, depth}, .low = -1, .high = 1, .is_constant = true},
                      {.dims = {units}, .low = -1, .high = 1, .is_constant = true},
                      {.dims = std::move(y), .low = -2, .high = 2}},
                     {{"keep_num_dims", int64_t{1}},
                      {"activation", std::string(activation)},
                      {"residual_order", std::string(order)}}});
  };
  add("residual", {3, 37}, {3, 19}, "none", "before_activation");
  add("residual_relu", {2, 5, 24}, {2, 5, 33}, "relu", "before_activation");
  add("residual_behind_relu", {2, 5, 24}, {2, 5, 33}, "relu", "after_activation");
  add("residual_behind_gelu", {1, 7, 16}, {1, 7, 48}, "gelu", "after_activation");
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases;
  struct Shape {
    const char* label;
    Dims x;
    int64_t units, depth;
    int64_t keeps = 0;
    const char* activation = "none";
  };
  const Shape shapes[] = {{"one_row", {1, 64}, 10, 64},         {"tail", {3, 37}, 19, 37},
                          {"flattened", {2, 3, 4}, 5, 12},      {"kept", {2, 3, 8}, 7, 8, 1},
                          {"relu", {4, 33}, 65, 33, 0, "relu"}, {"wide", {1, 1024}, 33, 1024}};
  for (const char* activation : {"gelu", "gelu_tanh"}) {
    cases.push_back({activation,
                     {{.dims = {2, 3, 24}, .low = -1, .high = 1},
                      {.dims = {33, 24}, .low = -1, .high = 1, .is_constant = true},
                      {.dims = {33}, .low = -1, .high = 1, .is_constant = true}},
                     {{"keep_num_dims", int64_t{1}}, {"activation", std::string(activation)}}});
  }
  AddResidualCases(cases);
  for (const Shape& s : shapes) {
    const Attrs attrs = {{"keep_num_dims", s.keeps}, {"activation", std::string(s.activation)}};
    const TestInput bias{
        .dtype = DType::kI32, .dims = {s.units}, .low = -3000, .high = 3000, .is_constant = true};
    cases.push_back({s.label,
                     {{.dims = s.x, .low = -1, .high = 1},
                      {.dims = {s.units, s.depth}, .low = -1, .high = 1, .is_constant = true},
                      {.dims = {s.units}, .low = -1, .high = 1, .is_constant = true}},
                     attrs});
    const auto quantized = [&](const char* tag, TestInput x, TestInput w, TestInput b,
                               std::optional<Quant> y) {
      w.dims = {s.units, s.depth};
      w.is_constant = true;
      x.dims = s.x;
      cases.push_back({std::string(s.label) + tag, {x, w, b}, attrs, 1, {std::move(y)}});
    };
    const Quant weights{{0.004F}, {0}, -1};
    quantized("_i8", {DType::kI8, {}, -128, 127, Quant{{0.03F}, {-5}, -1}},
              {DType::kI8, {}, -127, 127, weights}, bias, Quant{{0.11F}, {7}, -1});
    quantized("_u8", {DType::kU8, {}, 0, 255, Quant{{0.03F}, {125}, -1}},
              {DType::kU8, {}, 0, 255, Quant{{0.004F}, {130}, -1}}, bias, Quant{{0.11F}, {90}, -1});
    TestInput long_bias = bias;
    long_bias.dtype = DType::kI64;
    quantized("_i16", {DType::kI16, {}, -32768, 32767, Quant{{1.0F / 8192}, {0}, -1}},
              {DType::kI8, {}, -127, 127, weights}, long_bias, Quant{{1.0F / 1024}, {0}, -1});
    quantized("_dynamic_range", {DType::kF32, {}, -2, 3}, {DType::kI8, {}, -127, 127, weights},
              {.dims = {s.units}, .low = -1, .high = 1, .is_constant = true}, std::nullopt);
  }
  return cases;
}

}  // namespace

OpDef MakeFullyConnected() {
  OpDef op;
  op.name = "FullyConnected";
  op.group = "nn";
  op.summary =
      "Fully connected layer: rows of the input times the weights, plus bias and residual, then an "
      "activation.";
  op.formula = "y[n,o] = act(b[o] + sum_i x[n,i] * w[o,i] + residual[n,o])";
  const DTypeSet types = kFloats | DTypeSet{DType::kI8, DType::kU8, DType::kI16};
  op.inputs = {{"x", types, "[...]; taken as rows of I elements"},
               {"w", types | DTypeSet{DType::kI4, DType::kI2}, "[O,I]; i8 with an f32 input: dynamic-range"},
               {"b", kFloats | DTypeSet{DType::kI32, DType::kI64}, "[O]", Arity::kOptional},
               ResidualPort()};
  op.outputs = {{"y", types, "[rows,O]; keep_num_dims: x's shape with O as the last extent"}};
  op.attrs = {
      IntAttr("keep_num_dims", 0, "1: keep the leading axes of x"),
      IntAttr("asymmetric_quantize_inputs", 0, "dynamic range: 1: rows get a zero point of their own")};
  for (AttrDef& attr : ActivationAttrs()) op.attrs.push_back(std::move(attr));
  op.attrs.push_back(ResidualAttr());
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    const auto& w = context.shape(1);
    if (!w || w->size() != 2 || !(*w)[1].IsKnown()) return 0.0;
    return 2 * context.CountOfOutput(0) * static_cast<double>((*w)[1].value());
  };
  op.cases = Cases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTflite, "FULLY_CONNECTED", 1, INT_MAX, ImportTflite}};
  return op;
}

}  // namespace slipway
