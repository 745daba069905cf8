// TFLite's SVDF: a fully connected layer whose weights over time are a sum of rank-1 filters (Nakkiran et
// al., 2015). Each filter sees x through its weights over features, remembers what it saw, and weighs that
// over time; `rank` filters make a unit.
#include <algorithm>

#include "base/scalar.h"
#include "ops/activation.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/nn/reals.h"
#include "ops/rnn/hybrid.h"
#include "ops/rnn/operand_shape.h"
#include "ops/rnn/row_flops.h"

namespace slipway {
namespace {

enum Operand : size_t { kX = 0, kFeature, kTime, kBias, kState };

Status Infer(InferContext& context) {
  const DType dtype = context.dtype(kX);
  context.SetOutput(0, Type::OfUnknownShape(dtype));
  if (context.HasOutput(1)) context.SetOutput(1, context.input(kState));
  const int64_t rank = context.attrs().Int("rank");
  if (rank < 1) return context.Error("rank is " + std::to_string(rank) + "; it must be 1 or more");
  const auto& x = context.shape(kX);
  const auto& feature = context.shape(kFeature);
  const auto& time = context.shape(kTime);
  if (!x || !feature || !time) return Status::Ok();
  if (x->size() != 2 || feature->size() != 2 || time->size() != 2)
    return context.Error("x " + ToString(*x) + " and weights " + ToString(*feature) + ", " + ToString(*time) +
                         " must be matrices");
  const Dim& filters = (*feature)[0];
  const Dim& memory = (*time)[1];
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kFeature, {filters, (*x)[1]}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kTime, {filters, memory}));
  if (filters.IsKnown() && filters.value() % rank != 0)
    return context.Error(filters.ToString() + " filters of rank " + std::to_string(rank) +
                         " make no whole units");
  if (memory.IsKnown() && memory.value() < 1) return context.Error("remembers no steps");
  const Dim units = FloorDiv(filters, rank);
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kBias, {units}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kState, {(*x)[0], memory * filters}));
  context.SetOutput(0, dtype, {(*x)[0], units});
  return Status::Ok();
}

struct Call {
  int64_t batch, inputs, filters, memory, rank;

  int64_t units() const { return filters / rank; }
};

// The oldest of each filter's memories goes; the last place is free for the newest.
template <class T>
void Shift(const Call& call, std::vector<T>& state) {
  for (size_t i = 0; i < state.size(); i += static_cast<size_t>(call.memory)) {
    const auto first = state.begin() + static_cast<std::ptrdiff_t>(i);
    std::copy(first + 1, first + call.memory, first);
  }
}

Status RunReal(const RunContext& context, const Call& call) {
  SLIPWAY_ASSIGN_OR_RETURN(const HybridMatrix feature, HybridMatrix::Of(context, kFeature));
  SLIPWAY_ASSIGN_OR_RETURN(const HybridMatrix over_time, HybridMatrix::Of(context, kTime));
  const std::vector<float> time = over_time.ToReals();
  const std::vector<double> bias = context.HasInput(kBias) ? Reals(context.in(kBias)) : std::vector<double>();
  const ActivationSpec activation = ActivationOf(context.attrs());
  const Tensor& before = context.in(kState);
  std::vector<float> state(before.as<float>(), before.as<float>() + before.count());
  Shift(call, state);
  std::vector<float> seen(static_cast<size_t>(call.filters));
  for (int64_t b = 0; b < call.batch; ++b) {
    std::fill(seen.begin(), seen.end(), 0.0F);
    const std::span<const float> x(context.in(kX).as<float>() + b * call.inputs,
                                   static_cast<size_t>(call.inputs));
    feature.Accumulate(HybridRow(x, RowSchemeOf(context.attrs())), seen);
    std::vector<double> sums(static_cast<size_t>(call.units()), 0.0);
    for (int64_t f = 0; f < call.filters; ++f) {
      float* memories = state.data() + (b * call.filters + f) * call.memory;
      memories[call.memory - 1] = seen[static_cast<size_t>(f)];
      for (int64_t i = 0; i < call.memory; ++i)
        sums[static_cast<size_t>(f / call.rank)] +=
            static_cast<double>(memories[i]) * time[static_cast<size_t>(f * call.memory + i)];
    }
    for (int64_t u = 0; u < call.units(); ++u) {
      const double sum = sums[static_cast<size_t>(u)] + (bias.empty() ? 0 : bias[static_cast<size_t>(u)]);
      context.out(0).as<float>()[b * call.units() + u] = static_cast<float>(ApplyActivation(activation, sum));
    }
  }
  if (context.HasOutput(1)) std::copy(state.begin(), state.end(), context.out(1).as<float>());
  return Status::Ok();
}

// What is remembered is i16 (LiteRT, zero point 0) or i8 (TFLite Micro).
Status RunInteger(const RunContext& context, const Call& call) {
  for (size_t i : {kX, kFeature, kTime, kState})
    SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, context.in_quant(i), "an operand"));
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, context.out_quant(0), "output"));
  const float state_scale = ScaleOf(*context.in_quant(kState));
  const float y_scale = ScaleOf(*context.out_quant(0));
  if (!(state_scale > 0) || !(y_scale > 0)) return context.Error("the scale of the state or of y is 0");
  const FixedMultiplier to_state = QuantizeMultiplier(static_cast<double>(
      ScaleOf(*context.in_quant(kX)) * ScaleOf(*context.in_quant(kFeature)) / state_scale));
  const FixedMultiplier to_y =
      QuantizeMultiplier(static_cast<double>(state_scale * ScaleOf(*context.in_quant(kTime)) / y_scale));
  const std::vector<int32_t> x = Integers(context.in(kX));
  const std::vector<int32_t> feature = Integers(context.in(kFeature));
  const std::vector<int32_t> time = Integers(context.in(kTime));
  const std::vector<int32_t> bias =
      context.HasInput(kBias) ? Integers(context.in(kBias)) : std::vector<int32_t>();
  std::vector<int32_t> state = Integers(context.in(kState));
  const DType state_dtype = context.in(kState).dtype();
  const auto x_zero = static_cast<int32_t>(ZeroPointOf(*context.in_quant(kX)));
  const auto state_zero =
      state_dtype == DType::kI8 ? static_cast<int32_t>(ZeroPointOf(*context.in_quant(kState))) : 0;
  Tensor& y = context.out(0);
  Shift(call, state);
  for (int64_t b = 0; b < call.batch; ++b) {
    std::vector<int64_t> sums(static_cast<size_t>(call.units()),
                              0);  // TFLite's have 32 bits, and wrap around
    std::copy(bias.begin(), bias.end(), sums.begin());
    for (int64_t f = 0; f < call.filters; ++f) {
      int64_t seen = 0;
      for (int64_t i = 0; i < call.inputs; ++i)
        seen += int64_t{feature[static_cast<size_t>(f * call.inputs + i)]} *
                (x[static_cast<size_t>(b * call.inputs + i)] - x_zero);
      int32_t* memories = state.data() + (b * call.filters + f) * call.memory;
      const auto bounded = static_cast<int32_t>(
          std::clamp<int64_t>(MultiplyByQuantizedMultiplier(static_cast<int32_t>(seen), to_state),
                              MinOfInteger(state_dtype), MaxOfInteger(state_dtype)));
      // Bounded before the zero point is added, TFLite Micro's 8-bit state wraps around.
      memories[call.memory - 1] =
          state_dtype == DType::kI8 ? static_cast<int8_t>(bounded + state_zero) : bounded;
      for (int64_t i = 0; i < call.memory; ++i)
        sums[static_cast<size_t>(f / call.rank)] +=
            int64_t{time[static_cast<size_t>(f * call.memory + i)]} * (memories[i] - state_zero);
    }
    for (int64_t u = 0; u < call.units(); ++u)
      StoreInt(
          y.dtype(), y.data(), b * call.units() + u,
          Requantize(static_cast<int32_t>(sums[static_cast<size_t>(u)]), to_y,
                     ZeroPointOf(*context.out_quant(0)), {MinOfInteger(y.dtype()), MaxOfInteger(y.dtype())}));
  }
  if (!context.HasOutput(1)) return Status::Ok();
  for (size_t i = 0; i < state.size(); ++i)
    StoreInt(state_dtype, context.out(1).data(), static_cast<int64_t>(i), state[i]);
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& feature = context.in(kFeature);
  const Call call{context.in(kX).dim(0), context.in(kX).dim(1), feature.dim(0), context.in(kTime).dim(1),
                  context.attrs().Int("rank")};
  const bool is_real = context.in(kX).dtype() == DType::kF32;
  if (is_real != (context.in(kState).dtype() == DType::kF32))
    return context.Error("x is " + std::string(DTypeName(context.in(kX).dtype())) + ", the state " +
                         std::string(DTypeName(context.in(kState).dtype())));
  return is_real ? RunReal(context, call) : RunInteger(context, call);
}

Status Import(ImportContext& context) {
  const Attrs& from = context.attrs();
  const std::string_view activation = ActivationFromTflite(from.String("fused_activation_function"));
  if (activation.empty())
    return context.Unsupported("fused activation " + from.String("fused_activation_function"));
  if (!context.HasInput(kState)) return context.Unsupported("a state that is no operand");
  return context.Emit("SVDF", context.node().inputs,
                      {{"activation", std::string(activation)},
                       {"rank", from.Int("rank")},
                       {"asymmetric_quantize_inputs", from.Int("asymmetric_quantize_inputs")}});
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases;
  for (int64_t rank : {1, 2}) {
    for (bool is_hybrid : {false, true}) {
      const auto weight = [&](Dims dims) {
        TestInput input{.dims = std::move(dims), .low = -1, .high = 1};
        if (is_hybrid) {
          input.dtype = DType::kI8;
          input.low = -127;
          input.high = 127;
          input.quant = Quant{{0.01F}, {0}, -1};
        }
        input.is_constant = true;
        return input;
      };
      TestCase test{"rank" + std::to_string(rank) + (is_hybrid ? "_hybrid" : ""),
                    {{.dims = {2, 5}}, weight({6, 5}), weight({6, 4})},
                    {{"rank", rank}, {"activation", std::string("relu")}},
                    2};
      test.inputs.push_back({.dims = {6 / rank}, .is_constant = true, .is_absent = is_hybrid});
      test.inputs.push_back({.dims = {2, 24}});
      cases.push_back(std::move(test));
    }
  }
  return cases;
}

}  // namespace

OpDef MakeSVDF() {
  const DTypeSet weight = {DType::kF32, DType::kI8, DType::kU8, DType::kI16};
  OpDef op;
  op.name = "SVDF";
  op.group = "rnn";
  op.summary = "A layer that weighs what its filters saw in the last steps, as TFLite has it.";
  op.formula =
      "state' = (state without its oldest, feature x); y = act(sum over rank and time(time state') + bias)";
  op.inputs = {{"x", {DType::kF32, DType::kI8}, "[batch,inputs]"},
               {"weights_feature", weight, "[filters,inputs]"},
               {"weights_time", weight, "[filters,memory]"},
               {"bias", {DType::kF32, DType::kI32}, "[filters/rank]", Arity::kOptional},
               {"state", {DType::kF32, DType::kI8, DType::kI16}, "[batch,filters*memory]"}};
  op.outputs = {{"y", {DType::kF32, DType::kI8}, "[batch,filters/rank]"},
                {"next_state", {DType::kF32, DType::kI8, DType::kI16}, "as state", Arity::kOptional}};
  op.attrs = ActivationAttrs();
  op.attrs.push_back(IntAttr("rank", 1, "filters that make a unit"));
  op.attrs.push_back(IntAttr("asymmetric_quantize_inputs", 0, "8-bit weights: rows of x get a zero point"));
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    return RowFlops(context.shape(kX), context.CountOfInput(kFeature) + context.CountOfInput(kTime));
  };
  op.cases = Cases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTflite, "SVDF", 1, INT_MAX, Import}};
  return op;
}

}  // namespace slipway
