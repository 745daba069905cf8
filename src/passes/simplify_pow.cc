// Powers that are cheaper by another name, to the same number (infinities, zeros and NaN included).
//   Pow(x, 2)    =>   Square(x)
//   Pow(x, -1)   =>   Reciprocal(x)
// Left alone: other exponents (Sqrt is not Pow(x, 0.5) below zero), exponents that vary or widen the result,
// numbers that are not floats.
#include "base/scalar.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

const char* NameOf(double exponent) {
  if (exponent == 2) return "Square";
  return exponent == -1 ? "Reciprocal" : nullptr;
}

Result<bool> SimplifyOne(GraphView& view, Node& node) {
  if (!IsPlain(&node, "Pow")) return false;
  const auto exponent = view.Scalar(node.inputs[1]);
  const char* name = exponent ? NameOf(*exponent) : nullptr;
  const Type& x = view.graph().value(node.inputs[0]).type;
  const Type& y = view.graph().value(node.outputs[0]).type;
  if (name == nullptr || !IsFloat(x.dtype) || x.dtype != y.dtype) return false;
  if (!x.HasRank() || !y.HasRank() || x.rank() != y.rank()) return false;
  SLIPWAY_RETURN_IF_ERROR(Become(node, name, {node.inputs[0]}, {}));
  return true;
}

}  // namespace

Result<bool> SimplifyPow(Graph& graph) {
  GraphView view(graph);
  bool has_changed = false;
  for (Node& node : graph.nodes) {
    SLIPWAY_ASSIGN_OR_RETURN(const bool is_simpler, SimplifyOne(view, node));
    has_changed |= is_simpler;
  }
  return has_changed;
}

}  // namespace slipway
