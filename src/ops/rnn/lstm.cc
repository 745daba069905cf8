// Long short-term memory (Hochreiter and Schmidhuber, 1997), as ONNX LSTM. Gates in the order i (input),
// o (output), f (forget), c (cell); peepholes in the order i, o, f (Gers and Schmidhuber, 2000).
#include "ops/nn/reals.h"
#include "ops/rnn/recurrent.h"

namespace slipway {
namespace {

enum Gate : size_t { kInput = 0, kOutput, kForget, kCell };
constexpr size_t kPeepholes = 7;  // operand

const Strings& Functions() {
  static const Strings functions = {"Sigmoid", "Tanh", "Tanh"};
  return functions;
}

// One step of one sequence.
struct Step {
  const GateFunction* of;  // f, g, h
  double clip;
  bool is_coupled;                    // the forget gate is 1 - the input gate
  std::span<const double> peepholes;  // of this direction; empty: none

  void Activate(const GateFunction& function, std::vector<double>& values) const {
    for (double& value : values) value = Apply(function, ClipGate(clip, value));
  }
  void AddPeephole(size_t gate, const std::vector<double>& c, std::vector<double>& values) const {
    if (peepholes.empty()) return;
    for (size_t i = 0; i < c.size(); ++i) values[i] += peepholes[gate * c.size() + i] * c[i];
  }
  void Run(const CellWeights& weights, std::span<const double> x, CellState& state) const {
    std::vector<double> in = weights.Both(kInput, x, state.h);
    std::vector<double> forget = weights.Both(kForget, x, state.h);
    std::vector<double> cell = weights.Both(kCell, x, state.h);
    std::vector<double> out = weights.Both(kOutput, x, state.h);
    AddPeephole(kInput, state.c, in);
    AddPeephole(kForget, state.c, forget);
    Activate(of[0], in);
    Activate(of[0], forget);
    Activate(of[1], cell);
    for (size_t i = 0; i < cell.size(); ++i)
      state.c[i] = (is_coupled ? 1 - in[i] : forget[i]) * state.c[i] + in[i] * cell[i];
    AddPeephole(kOutput, state.c, out);
    Activate(of[0], out);
    // The clip bounds what the gates compute; the cell itself is left whole, as onnxruntime does.
    for (size_t i = 0; i < out.size(); ++i) state.h[i] = out[i] * Apply(of[2], state.c[i]);
  }
};

Status Reference(RunContext& context) {
  const Attrs& attrs = context.attrs();
  const auto directions = static_cast<size_t>(NumDirections(attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const auto functions, GateFunctionsOf(attrs, Functions(), 3 * directions));
  const std::vector<double> peepholes =
      context.HasInput(kPeepholes) ? Reals(context.in(kPeepholes)) : std::vector<double>();
  std::vector<Step> steps;
  for (size_t d = 0; d < directions; ++d) {
    const size_t size = peepholes.size() / directions;
    steps.push_back({&functions[3 * d], static_cast<double>(attrs.Float("clip")),
                     attrs.Int("input_forget") != 0, std::span(peepholes).subspan(d * size, size)});
  }
  return RunRecurrent(
      context, 4,
      [&](const CellWeights& weights, std::span<const double> x, int64_t direction, CellState& state) {
        steps[static_cast<size_t>(direction)].Run(weights, x, state);
      });
}

Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(InferRecurrent(context, 4, Functions()));
  if (!context.HasInput(kPeepholes) || !context.shape(kPeepholes) || !context.shape(2)) return Status::Ok();
  const DimList& given = *context.shape(kPeepholes);
  const Dim hidden = (*context.shape(2))[2];
  const bool fits = given.size() == 2 &&
                    (given[0] == Dim(NumDirections(context.attrs())) || !given[0].IsKnown()) &&
                    (!given[1].IsKnown() || !hidden.IsKnown() || given[1].value() == 3 * hidden.value());
  if (fits) return Status::Ok();
  return context.Error("peepholes are " + ToString(given) + "; expected [" +
                       std::to_string(NumDirections(context.attrs())) + "," + (Dim(3) * hidden).ToString() +
                       "]");
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases = RecurrentCases(4);
  for (TestCase& test : cases) {
    test.num_outputs = 3;
    if (test.inputs.size() < 6) continue;
    test.inputs.push_back(test.inputs[5]);
    TestInput peepholes = test.inputs[3];
    peepholes.dims[1] = peepholes.dims[1] / 8 * 3;
    test.inputs.push_back(std::move(peepholes));
  }
  cases[0].attrs.Set("clip", 0.5F);
  cases[1].attrs.Set("input_forget", int64_t{1});
  cases[2].attrs.Set("activations",
                     Strings{"HardSigmoid", "ScaledTanh", "Elu", "Sigmoid", "Tanh", "LeakyRelu"});
  cases[2].attrs.Set("activation_alpha", Floats{0.25F, 1.5F, 0.9F});
  cases[2].attrs.Set("activation_beta", Floats{0.4F, 0.7F});
  return cases;
}

}  // namespace

OpDef MakeLSTM() {
  OpDef op = RecurrentOp();
  op.name = "LSTM";
  op.summary = "A layer of long short-term memory cells.";
  op.formula = "c' = f(forget) c + f(input) g(cell); h' = f(output) h(c'); gates: W x + R h + P c + bias";
  op.inputs.push_back({"initial_c", kFloats, "as initial_h", Arity::kOptional});
  op.inputs.push_back(
      {"peepholes", kFloats, "[directions,3*hidden]: input, output, forget", Arity::kOptional});
  op.outputs.push_back({"y_c", kFloats, "the last cell state, shaped as initial_h", Arity::kOptional});
  op.attrs.push_back(IntAttr("input_forget", 0, "1: the forget gate is 1 - the input gate"));
  op.infer = Infer;
  op.reference = Reference;
  op.flops = RecurrentFlops;
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "LSTM"}};
  return op;
}

}  // namespace slipway
