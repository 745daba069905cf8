// The simple recurrent cell (Elman, 1990), as ONNX RNN.
#include "ops/rnn/recurrent.h"

namespace slipway {
namespace {

const Strings& Functions() {
  static const Strings functions = {"Tanh"};
  return functions;
}

Status Reference(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(
      const auto functions,
      GateFunctionsOf(context.attrs(), Functions(), static_cast<size_t>(NumDirections(context.attrs()))));
  const auto clip = static_cast<double>(context.attrs().Float("clip"));
  return RunRecurrent(
      context, 1,
      [&](const CellWeights& weights, std::span<const double> x, int64_t direction, CellState& state) {
        state.h = weights.Both(0, x, state.h);
        for (double& h : state.h) h = Apply(functions[static_cast<size_t>(direction)], ClipGate(clip, h));
      });
}

}  // namespace

OpDef MakeRNN() {
  OpDef op = RecurrentOp();
  op.name = "RNN";
  op.summary = "A simple recurrent layer: the state is a function of input and last state.";
  op.formula = "h' = f(W x + R h + bias)";
  op.infer = [](InferContext& context) { return InferRecurrent(context, 1, Functions()); };
  op.reference = Reference;
  op.flops = RecurrentFlops;
  op.cases = [] {
    std::vector<TestCase> cases = RecurrentCases(1);
    cases[0].attrs.Set("activations", Strings{"Affine"});
    cases[0].attrs.Set("activation_alpha", Floats{0.5F});
    cases[0].attrs.Set("activation_beta", Floats{0.1F});
    cases[1].attrs.Set("clip", 0.4F);
    return cases;
  };
  op.foreign = {{Format::kOnnx, "RNN"}};
  return op;
}

}  // namespace slipway
