// GELU spelt out (Hendrycks and Gimpel, 2016), in every order of its sums and products.
//   x * 0.5 * (1 + Erf(x / sqrt(2)))                                  =>   Gelu(x)
//   x * 0.5 * (1 + Tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))         =>   Gelu(x, approximate = tanh)
// Left alone: other constants, an Erf or Tanh that others read, quantised tensors (their rounding in between
// is part of the result).
#include <cmath>

#include "base/scalar.h"
#include "passes/pass.h"
#include "passes/polynomial.h"

namespace slipway {
namespace {

constexpr int kMaxArgumentDepth = 5;  // nodes between x and Tanh
constexpr int kMaxProductDepth = 4;   // nodes behind it

// The function's argument, as a polynomial in x.
Polynomial ArgumentOf(const std::string& op) {
  if (op == "Erf") return Polynomial::Term(std::sqrt(0.5), 1);
  const double factor = std::sqrt(2 / M_PI);
  return Polynomial::Term(factor, 1) + Polynomial::Term(factor * 0.044715, 3);
}

// x such that the argument is the one wanted.
std::optional<Formula> FindX(GraphView& view, Node& function, double tolerance) {
  for (const ValueId x : AncestorsInFormula(view, function.inputs[0], kMaxArgumentDepth)) {
    PolynomialReader reader(view, {x});
    const auto argument = reader.Read(function.inputs[0]);
    if (!argument || !argument->IsNear(ArgumentOf(function.op), tolerance)) continue;
    return Formula{x, nullptr, reader.nodes()};
  }
  return std::nullopt;
}

Status FuseOne(GraphView& view, Node& function) {
  if (function.op != "Erf" && function.op != "Tanh") return Status::Ok();
  const Type& type = view.graph().value(function.outputs[0]).type;
  if (!IsFloat(type.dtype)) return Status::Ok();
  auto formula = FindX(view, function, ConstantTolerance(type.dtype));
  const Polynomial wanted = Polynomial::Term(0.5, 1) + Polynomial::Term(0.5, 1, 1);
  if (!formula || !FindRoot(view, function, wanted, kMaxProductDepth, *formula)) return Status::Ok();
  const std::string approximate = function.op == "Tanh" ? "tanh" : "none";
  return ReplaceFormula(view, *formula, "Gelu", {{"approximate", approximate}});
}

}  // namespace

Result<bool> FuseGelu(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) SLIPWAY_RETURN_IF_ERROR(FuseOne(view, node));
  return view.Finish();
}

}  // namespace slipway
