// Softmax spelt out.
//   e = Exp(x - ReduceMax(x)); e / ReduceSum(e)          =>   Softmax(x)
//   e = Exp(x); e / ReduceSum(e)                         =>   Softmax(x)
// Both reductions go over one axis and keep it. Where Exp(x) overflows, the second form gave NaN, Softmax
// does not. Left alone: several axes, results in between that others read, numbers that are not floats.
#include "base/scalar.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

// The one axis, not negative, that a reduction with keepdims goes over.
std::optional<int64_t> AxisOf(GraphView& view, const Node* node, const char* op) {
  if (!IsPlain(node, op)) return std::nullopt;
  const auto axes = KeptAxes(view, node);
  return axes && axes->size() == 1 ? std::optional((*axes)[0]) : std::nullopt;
}

// x of Exp's argument: x - ReduceMax(x) along the axis, or the argument itself.
ValueId UnshiftedOf(GraphView& view, ValueId argument, int64_t axis, std::vector<Node*>& nodes) {
  Node* shift = view.Producer(argument);
  if (!IsPlain(shift, "Sub")) return argument;
  Node* highest = view.Producer(shift->inputs[1]);
  if (AxisOf(view, highest, "ReduceMax") != axis || highest->inputs[0] != shift->inputs[0]) return argument;
  nodes.push_back(shift);
  nodes.push_back(highest);
  return shift->inputs[0];
}

Status FuseOne(GraphView& view, Node& division) {
  if (!IsPlain(&division, "Div")) return Status::Ok();
  const ValueId powers = division.inputs[0];
  Node* exp = view.Producer(powers);
  Node* sum = view.Producer(division.inputs[1]);
  const auto axis = AxisOf(view, sum, "ReduceSum");
  if (!IsPlain(exp, "Exp") || !axis || sum->inputs[0] != powers) return Status::Ok();
  const bool is_unshared = view.UseCount(powers) == 2 && view.IsOnlyReadOnce(division.inputs[1]);
  if (!is_unshared || !IsFloat(view.graph().value(powers).type.dtype)) return Status::Ok();
  std::vector<Node*> nodes = {exp, sum};
  const ValueId x = UnshiftedOf(view, exp->inputs[0], *axis, nodes);
  for (const Node* node : nodes) MergeSources(division, *node);
  SLIPWAY_RETURN_IF_ERROR(Become(division, "Softmax", {x}, {{"axis", *axis}}));
  view.Update(division);
  view.DropUnread(std::move(nodes));
  return Status::Ok();
}

}  // namespace

Result<bool> FuseSoftmax(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) SLIPWAY_RETURN_IF_ERROR(FuseOne(view, node));
  return view.Finish();
}

}  // namespace slipway
