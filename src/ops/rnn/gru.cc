// The gated recurrent unit (Cho et al., 2014), as ONNX GRU. Gates in the order z (update), r (reset), h.
#include "ops/rnn/recurrent.h"

namespace slipway {
namespace {

enum Gate : size_t { kUpdate = 0, kReset, kHidden };

const Strings& Functions() {
  static const Strings functions = {"Sigmoid", "Tanh"};
  return functions;
}

void Activate(const GateFunction& function, double clip, std::vector<double>& values) {
  for (double& value : values) value = Apply(function, ClipGate(clip, value));
}

Status Reference(RunContext& context) {
  const auto directions = static_cast<size_t>(NumDirections(context.attrs()));
  SLIPWAY_ASSIGN_OR_RETURN(const auto functions,
                           GateFunctionsOf(context.attrs(), Functions(), 2 * directions));
  const auto clip = static_cast<double>(context.attrs().Float("clip"));
  const bool is_reset_late = context.attrs().Int("linear_before_reset") != 0;
  const auto step = [&](const CellWeights& weights, std::span<const double> x, int64_t direction,
                        CellState& state) {
    const GateFunction* of = &functions[2 * static_cast<size_t>(direction)];
    std::vector<double> z = weights.Both(kUpdate, x, state.h);
    std::vector<double> r = weights.Both(kReset, x, state.h);
    Activate(of[0], clip, z);
    Activate(of[0], clip, r);
    std::vector<double> reset = is_reset_late ? weights.FromState(kHidden, state.h) : state.h;
    for (size_t i = 0; i < reset.size(); ++i) reset[i] *= r[i];
    if (!is_reset_late) reset = weights.FromState(kHidden, reset);
    std::vector<double> h = weights.FromInput(kHidden, x);
    for (size_t i = 0; i < h.size(); ++i) h[i] += reset[i];
    Activate(of[1], clip, h);
    for (size_t i = 0; i < h.size(); ++i) state.h[i] = (1 - z[i]) * h[i] + z[i] * state.h[i];
  };
  return RunRecurrent(context, 3, step);
}

}  // namespace

OpDef MakeGRU() {
  OpDef op = RecurrentOp();
  op.name = "GRU";
  op.summary = "A layer of gated recurrent units.";
  op.formula = "z = f(Wz x + Rz h); r = f(Wr x + Rr h); h' = (1 - z) g(Wh x + Rh (r h)) + z h";
  op.attrs.push_back(IntAttr("linear_before_reset", 0, "1: the reset gate scales Rh h + its bias, not h"));
  op.infer = [](InferContext& context) { return InferRecurrent(context, 3, Functions()); };
  op.reference = Reference;
  op.flops = RecurrentFlops;
  op.cases = [] {
    std::vector<TestCase> cases = RecurrentCases(3);
    cases[0].attrs.Set("clip", 0.5F);
    for (size_t i : {1U, 3U}) cases[i].attrs.Set("linear_before_reset", int64_t{1});
    cases[2].attrs.Set("activations", Strings{"HardSigmoid", "Softsign", "Sigmoid", "Relu"});
    return cases;
  };
  op.foreign = {{Format::kOnnx, "GRU"}};
  return op;
}

}  // namespace slipway
