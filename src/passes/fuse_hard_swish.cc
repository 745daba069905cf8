// Hard swish spelt out (MobileNetV3), in every order of its sums and products.
//   x * Clip(x + 3, 0, 6) / 6                       =>   HardSwish(x)
//   x * Add(x, 3, activation = relu6) / 6           =>   HardSwish(x)
//   x * Clip(x / 6 + 0.5, 0, 1)                     =>   HardSwish(x)
//   x * HardSigmoid(x, alpha = 1/6, beta = 0.5)     =>   HardSwish(x)
// Left alone: other bounds and slopes, gates that others read, quantised tensors (their rounding in between
// is part of the result).
#include <cmath>

#include "base/scalar.h"
#include "ops/activation.h"
#include "passes/pass.h"
#include "passes/polynomial.h"

namespace slipway {
namespace {

constexpr int kMaxDepth = 3;  // nodes between x and the gate, and behind the gate

// min(max(a * x + b, 0), high)
struct Gate {
  Formula formula;  // its x and nodes
  double high = 0;
};

bool IsGateOf(const std::optional<Polynomial>& inner, double high, double tolerance) {
  if (!inner || high <= 0) return false;
  return inner->IsNear(Polynomial::Term(high / 6, 1) + Polynomial::Constant(high / 2), tolerance);
}

// The upper bound of a node that clamps to [0, high] last; 0 for other nodes.
double HighOf(GraphView& view, const Node& node) {
  if (node.op == "HardSigmoid") return 1;
  if (node.op == "Clip") {
    if (node.inputs.size() != 3 || view.Scalar(node.inputs[1]) != 0.0) return 0;
    return view.Scalar(node.inputs[2]).value_or(0);
  }
  if (node.op != "Add" && node.op != "Sub" && node.op != "Mul" && node.op != "Div") return 0;
  const ActivationSpec activation = ActivationOf(node.attrs);
  if (activation.kind == Activation::kRelu6) return 6;
  return activation.kind == Activation::kClip && activation.alpha == 0 ? activation.beta : 0;
}

std::optional<Polynomial> InnerOf(PolynomialReader& reader, Node& node) {
  if (node.op == "Clip") return reader.Read(node.inputs[0]);
  if (node.op != "HardSigmoid") return reader.ReadBeforeActivation(node);
  const auto inner = reader.Read(node.inputs[0]);
  if (!inner) return std::nullopt;
  return *inner * Polynomial::Constant(node.attrs.Float("alpha")) +
         Polynomial::Constant(node.attrs.Float("beta"));
}

std::optional<Gate> AsGate(GraphView& view, Node& node, double tolerance) {
  const double high = HighOf(view, node);
  if (high <= 0) return std::nullopt;
  const bool has_operands = node.op != "Clip" && node.op != "HardSigmoid";
  for (size_t i = 0; i < (has_operands ? node.inputs.size() : 1); ++i) {
    for (const ValueId x : AncestorsInFormula(view, node.inputs[i], kMaxDepth)) {
      PolynomialReader reader(view, {x});
      if (IsGateOf(InnerOf(reader, node), high, tolerance)) return Gate{{x, nullptr, reader.nodes()}, high};
    }
  }
  return std::nullopt;
}

Status FuseOne(GraphView& view, Node& node) {
  if (node.outputs.size() != 1) return Status::Ok();
  const Type& type = view.graph().value(node.outputs[0]).type;
  if (!IsFloat(type.dtype)) return Status::Ok();
  auto gate = AsGate(view, node, ConstantTolerance(type.dtype));
  if (!gate) return Status::Ok();
  const Polynomial wanted = Polynomial::Term(1 / gate->high, 1, 1);
  if (!FindRoot(view, node, wanted, kMaxDepth, gate->formula)) return Status::Ok();
  return ReplaceFormula(view, gate->formula, "HardSwish", {});
}

}  // namespace

Result<bool> FuseHardSwish(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) SLIPWAY_RETURN_IF_ERROR(FuseOne(view, node));
  return view.Finish();
}

}  // namespace slipway
