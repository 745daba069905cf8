// TFLite's simple recurrent layers: RNN, UNIDIRECTIONAL_SEQUENCE_RNN and, twice, BIDIRECTIONAL_SEQUENCE_RNN.
// The state, a variable there, is an operand and a result here.
#include <algorithm>

#include "ops/activation.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/nn/reals.h"
#include "ops/rnn/hybrid.h"
#include "ops/rnn/operand_shape.h"
#include "ops/rnn/row_flops.h"
#include "ops/rnn/two_directions.h"

namespace slipway {
namespace {

enum Operand : size_t { kX = 0, kFromInput, kFromState, kBias, kH, kNumOperands };

Status Infer(InferContext& context) {
  const DType dtype = context.dtype(kX);
  context.SetOutput(0, Type::OfUnknownShape(dtype));
  if (context.HasOutput(1)) context.SetOutput(1, context.input(kH));
  const auto& x = context.shape(kX);
  const auto& from_state = context.shape(kFromState);
  if (!x || !from_state) return Status::Ok();
  if ((x->size() != 2 && x->size() != 3) || from_state->size() != 2)
    return context.Error("x " + ToString(*x) + " must have rank 2 or 3, recurrent weights " +
                         ToString(*from_state) + " rank 2");
  const Dim units = (*from_state)[0];
  const Dim batch = (*x)[x->size() == 3 && context.attrs().Int("time_major") != 0 ? 1 : 0];
  const std::pair<size_t, DimList> expected[] = {
      {kFromInput, {units, x->back()}}, {kFromState, {units, units}}, {kBias, {units}}, {kH, {batch, units}}};
  for (const auto& [input, shape] : expected)
    SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, input, shape));
  DimList shape = *x;
  shape.back() = units;
  context.SetOutput(0, dtype, std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(kX);
  SLIPWAY_ASSIGN_OR_RETURN(const HybridMatrix from_input, HybridMatrix::Of(context, kFromInput));
  SLIPWAY_ASSIGN_OR_RETURN(const HybridMatrix from_state, HybridMatrix::Of(context, kFromState));
  SLIPWAY_ASSIGN_OR_RETURN(const HybridMatrix biases, HybridMatrix::Of(context, kBias));
  const std::vector<float> bias = biases.ToReals();
  const ActivationSpec activation = ActivationOf(context.attrs());
  const RowScheme scheme = RowSchemeOf(context.attrs());
  const bool is_time_major = x.rank() == 2 || context.attrs().Int("time_major") != 0;
  const bool is_backwards = context.attrs().Int("reverse") != 0;
  const int64_t batch = x.dim(x.rank() == 3 && is_time_major ? 1 : 0);
  const int64_t steps = x.rank() == 2 ? 1 : x.dim(is_time_major ? 0 : 1);
  const int64_t inputs = x.dim(-1);
  const int64_t units = context.in(kFromState).dim(0);
  Tensor h = context.in(kH).Clone();
  std::vector<float> sums(static_cast<size_t>(units));
  for (int64_t b = 0; b < batch; ++b) {
    const std::span<float> state(h.as<float>() + b * units, sums.size());
    for (int64_t i = 0; i < steps; ++i) {
      const int64_t t = is_backwards ? steps - 1 - i : i;
      const int64_t at = is_time_major ? t * batch + b : b * steps + t;
      std::fill(sums.begin(), sums.end(), 0.0F);
      std::copy(bias.begin(), bias.end(), sums.begin());
      from_input.Accumulate(HybridRow({x.as<float>() + at * inputs, static_cast<size_t>(inputs)}, scheme),
                            sums);
      from_state.Accumulate(HybridRow(state, scheme), sums);
      for (size_t u = 0; u < sums.size(); ++u)
        state[u] = static_cast<float>(ApplyActivation(activation, static_cast<double>(sums[u])));
      std::copy(state.begin(), state.end(), context.out(0).as<float>() + at * units);
    }
  }
  if (context.HasOutput(1)) StoreTensor(h, context.out(1));
  return Status::Ok();
}

Result<Attrs> LayerAttrs(const ImportContext& context) {
  const Attrs& from = context.attrs();
  const std::string_view activation = ActivationFromTflite(from.String("fused_activation_function"));
  if (activation.empty())
    return context.Unsupported("fused activation " + from.String("fused_activation_function"));
  return Attrs{{"activation", std::string(activation)},
               {"time_major", from.Int("time_major")},
               {"asymmetric_quantize_inputs", from.Int("asymmetric_quantize_inputs")}};
}

Status ImportLayer(ImportContext& context) {
  if (!context.HasInput(kH)) return context.Unsupported("a state that is no operand");
  SLIPWAY_ASSIGN_OR_RETURN(Attrs attrs, LayerAttrs(context));
  return context.Emit("SimpleRNN", context.node().inputs, std::move(attrs));
}

// TFLite: x; weights, recurrent weights, bias and state forwards; the same backwards; auxiliary input;
// weights on it forwards and backwards.
Status ImportTwoDirections(ImportContext& context) {
  if (!context.HasInput(4) || !context.HasInput(8)) return context.Unsupported("states that are no operands");
  SLIPWAY_ASSIGN_OR_RETURN(const Attrs attrs, LayerAttrs(context));
  std::array<std::vector<ValueId>, 2> operands;
  for (size_t d = 0; d < 2; ++d) {
    operands[d] = {context.in(0)};
    for (size_t i = 1; i < kNumOperands; ++i) operands[d].push_back(context.in(4 * d + i));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const TwoInputs x, JoinAuxiliary(context, context.in(9),
                                                            {{&operands[0][kFromInput], context.in(10)},
                                                             {&operands[1][kFromInput], context.in(11)}}));
  operands[0][kX] = x.forward;
  operands[1][kX] = x.backward;
  return EmitTwoDirections(context, "SimpleRNN", std::move(operands), attrs, 1);
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases;
  for (bool is_hybrid : {false, true}) {
    for (int64_t is_time_major : {0, 1}) {
      const auto weight = [&](Dims dims) {
        TestInput input{.dims = std::move(dims), .low = -0.5, .high = 0.5, .is_constant = true};
        if (is_hybrid) input.dtype = DType::kI8, input.low = -127, input.high = 127;
        if (is_hybrid) input.quant = Quant{{0.004F}, {0}, -1};
        return input;
      };
      cases.push_back(
          {std::string(is_hybrid ? "hybrid" : "real") + (is_time_major != 0 ? "_time_major" : ""),
           {{.dims = is_time_major != 0 ? Dims{5, 2, 4} : Dims{2, 5, 4}, .low = -1, .high = 1},
            weight({3, 4}),
            weight({3, 3}),
            {.dims = {3}, .is_constant = true},
            {.dims = {2, 3}, .low = -1, .high = 1}},
           {{"time_major", is_time_major}, {"reverse", is_time_major}, {"activation", std::string("tanh")}},
           2});
    }
  }
  return cases;
}

}  // namespace

OpDef MakeSimpleRNN() {
  const DTypeSet weight = {DType::kF32, DType::kI8, DType::kU8};
  OpDef op;
  op.name = "SimpleRNN";
  op.group = "rnn";
  op.summary = "A simple recurrent layer whose state is handed from call to call, as TFLite has it.";
  op.formula = "h' = act(W x + R h + bias)";
  op.inputs = {{"x", {DType::kF32}, "[batch,steps,inputs], or one step [batch,inputs]"},
               {"weights", weight, "[units,inputs]"},
               {"recurrent_weights", weight, "[units,units]"},
               {"bias", {DType::kF32}, "[units]", Arity::kOptional},
               {"h", {DType::kF32}, "[batch,units]: the state that y repeats"}};
  op.outputs = {{"y", {DType::kF32}, "h of every step, shaped as x"},
                {"next_h", {DType::kF32}, "h after the last step", Arity::kOptional}};
  op.attrs = ActivationAttrs();
  op.attrs.insert(op.attrs.end(), {IntAttr("time_major", 0, "1: x and y are [steps,batch,...]"),
                                   IntAttr("reverse", 0, "1: from the last step to the first"),
                                   IntAttr("asymmetric_quantize_inputs", 0,
                                           "8-bit weights: rows of x and h get a zero point")});
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    return RowFlops(context.output(0).type.shape,
                    context.CountOfInput(kFromInput) + context.CountOfInput(kFromState));
  };
  op.cases = Cases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTflite, "RNN", 1, INT_MAX, ImportLayer},
                {Format::kTflite, "UNIDIRECTIONAL_SEQUENCE_RNN", 1, INT_MAX, ImportLayer},
                {Format::kTflite, "BIDIRECTIONAL_SEQUENCE_RNN", 1, INT_MAX, ImportTwoDirections}};
  return op;
}

}  // namespace slipway
