// Two moves of the same elements in a row are one.
//   Transpose(Transpose(x, p), q)   =>   Transpose(x, p[q])
//   Reshape(Reshape(x, _), shape)   =>   Reshape(x, shape); Flatten, Squeeze and Unsqueeze on either side
//   likewise
// What then changes nothing at all, eliminate_no_ops takes away.
// Left alone: a middle with other readers, quantised per axis, reshapes to a shape that is known neither now
// nor from a constant alone, and empty tensors (a 0 in a shape may mean "copy").
#include <algorithm>

#include "base/scalar.h"
#include "ops/transpose_tensor.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

bool IsReshape(const Node& node) {
  return node.op == "Reshape" || node.op == "Flatten" || node.op == "Squeeze" || node.op == "Unsqueeze";
}

bool HasZero(const Ints& dims) { return std::find(dims.begin(), dims.end(), 0) != dims.end(); }

bool MergeTransposes(const Graph& graph, const Node& first, Node& second) {
  const Type& middle = graph.value(second.inputs[0]).type;
  if (first.op != "Transpose" || second.op != "Transpose" || !middle.HasRank()) return false;
  const Ints p = PermutationOf(first.attrs, middle.rank());
  Ints merged;
  for (int64_t axis : PermutationOf(second.attrs, middle.rank()))
    merged.push_back(p[static_cast<size_t>(axis)]);
  second.attrs.Set("perm", std::move(merged));
  second.inputs = {first.inputs[0]};
  return true;
}

// The second keeps its constant shape, if that reads the same over any other, or gets its static result as
// one.
bool MergeReshapes(GraphView& view, const Node& first, Node& second) {
  if (!IsReshape(first) || !IsReshape(second)) return false;
  Graph& graph = view.graph();
  const Type& result = graph.value(second.outputs[0]).type;
  const Tensor* shape = second.op == "Reshape" ? view.Constant(second.inputs[1]) : nullptr;
  if (shape != nullptr && !HasZero(IntsOf(*shape))) {
    second.inputs[0] = first.inputs[0];
    return true;
  }
  if (!result.IsStatic() || HasZero(KnownDims(*result.shape))) return false;
  const Ints dims = KnownDims(*result.shape);
  const ValueId constant = graph.AddConstant(
      second.name + "/shape", Tensor::From<int64_t>(DType::kI64, {static_cast<int64_t>(dims.size())}, dims));
  second.op = "Reshape";
  second.inputs = {first.inputs[0], constant};
  second.attrs = {{"allowzero", int64_t{0}}};
  return true;
}

bool HasOneQuant(const Graph& graph, const Node& first, const Node& second) {
  const auto& quant = graph.value(second.inputs[0]).quant;
  return graph.value(first.inputs[0]).quant == quant && graph.value(second.outputs[0]).quant == quant &&
         (!quant || quant->scales.size() == 1);
}

}  // namespace

Result<bool> MergeMoves(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) {
    if (node.inputs.empty() || (node.op != "Transpose" && !IsReshape(node))) continue;
    Node* first = view.Producer(node.inputs[0]);
    if (first == nullptr || !view.IsOnlyReadOnce(node.inputs[0]) || !HasOneQuant(graph, *first, node))
      continue;
    if (!MergeTransposes(graph, *first, node) && !MergeReshapes(view, *first, node)) continue;
    MergeSources(node, *first);
    view.Update(node);
    view.Drop(*first);
  }
  return view.Finish();
}

}  // namespace slipway
