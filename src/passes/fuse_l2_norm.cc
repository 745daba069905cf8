// L2 normalisation spelt out, as TensorFlow's l2_normalize with its own epsilon does it.
//   x * Rsqrt(Max(ReduceSum(x^2), 1e-12))        =>   L2Normalization(x)
// along the last axis, which is kept; x^2 is a Square, a product or a power; ReduceSumSquare is both.
// Left alone: other axes and epsilons (the record's is fixed), results in between that others read.
#include <cmath>

#include "base/scalar.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

constexpr double kEpsilon = 1e-12;  // 1e-6 squared, the record's

bool IsAlongLastAxis(GraphView& view, const Node& node) {
  const auto axes = KeptAxes(view, &node);
  return axes && *axes == Ints{view.graph().value(node.inputs[0]).type.rank() - 1};
}

// x of the sum of x^2; kNoValue: another sum.
ValueId SquaredOf(GraphView& view, Node& sum, std::vector<Node*>& nodes) {
  if (!IsAlongLastAxis(view, sum)) return kNoValue;
  nodes.push_back(&sum);
  if (IsPlain(&sum, "ReduceSumSquare")) return sum.inputs[0];
  Node* square = view.Producer(sum.inputs[0]);
  if (!IsPlain(&sum, "ReduceSum") || square == nullptr || !view.IsOnlyReadOnce(sum.inputs[0]))
    return kNoValue;
  nodes.push_back(square);
  return SquaredBy(view, square);
}

// The sum of Max(sum, 1e-12); null: something else.
Node* SumUnderMax(GraphView& view, const Node& max) {
  if (!IsPlain(&max, "Max") || max.inputs.size() != 2) return nullptr;
  for (const size_t side : {0, 1}) {
    const auto epsilon = view.Scalar(max.inputs[side]);
    if (!epsilon || std::abs(*epsilon / kEpsilon - 1) > 1e-5) continue;
    return view.IsOnlyReadOnce(max.inputs[1 - side]) ? view.Producer(max.inputs[1 - side]) : nullptr;
  }
  return nullptr;
}

Status FuseOne(GraphView& view, Node& root) {
  if (!IsPlain(&root, "Rsqrt") || !view.IsOnlyReadOnce(root.inputs[0])) return Status::Ok();
  Node* max = view.Producer(root.inputs[0]);
  Node* product = view.OnlyReader(root.outputs[0]);
  Node* sum = max == nullptr ? nullptr : SumUnderMax(view, *max);
  if (sum == nullptr || !IsPlain(product, "Mul")) return Status::Ok();
  std::vector<Node*> nodes = {&root, max};
  const ValueId x = SquaredOf(view, *sum, nodes);
  const ValueId other = product->inputs[product->inputs[0] == root.outputs[0] ? 1 : 0];
  if (x == kNoValue || other != x || view.graph().value(x).type.dtype != DType::kF32) return Status::Ok();
  for (const Node* node : nodes) MergeSources(*product, *node);
  SLIPWAY_RETURN_IF_ERROR(Become(*product, "L2Normalization", {x}, {}));
  view.Update(*product);
  view.DropUnread(std::move(nodes));
  return Status::Ok();
}

}  // namespace

Result<bool> FuseL2Norm(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) SLIPWAY_RETURN_IF_ERROR(FuseOne(view, node));
  return view.Finish();
}

}  // namespace slipway
