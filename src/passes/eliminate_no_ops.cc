// Operators that change nothing.
//   Identity(x)                          =>   x
//   Cast(x: T, to = T)                   =>   x
//   Transpose(x, identity permutation)   =>   x
//   Reshape / Squeeze / Unsqueeze / Flatten / Expand(x) to x's own static shape   =>   x
// Left alone: where the result is a graph output and x is a graph input or an output too (both names must
// live).
#include <algorithm>

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

bool IsIdentityPermutation(const Ints& perm) {
  for (size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<int64_t>(i)) return false;
  }
  return !perm.empty();
}

bool KeepsShape(const Graph& graph, const Node& node) {
  const Type& from = graph.value(node.inputs[0]).type;
  const Type& to = graph.value(node.outputs[0]).type;
  return from.IsStatic() && to.IsStatic() && *from.shape == *to.shape && from.dtype == to.dtype;
}

bool IsNoOp(const Graph& graph, const Node& node) {
  if (node.inputs.empty() || node.inputs[0] == kNoValue || node.outputs.size() != 1) return false;
  const Value& from = graph.value(node.inputs[0]);
  const Value& to = graph.value(node.outputs[0]);
  if (from.quant != to.quant) return false;
  if (node.op == "Identity") return from.type.kind == TypeKind::kTensor;
  if (node.op == "Cast") return from.type.dtype != DType::kNone && node.attrs.Type("to") == from.type.dtype;
  if (node.op == "Transpose") return IsIdentityPermutation(node.attrs.IntList("perm"));
  const bool is_reshape = node.op == "Reshape" || node.op == "Squeeze" || node.op == "Unsqueeze" ||
                          node.op == "Flatten" || node.op == "Expand";
  return is_reshape && KeepsShape(graph, node);
}

bool Contains(const std::vector<ValueId>& ids, ValueId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

Result<bool> EliminateNoOps(Graph& graph) {
  GraphView view(graph);
  for (Node& node : graph.nodes) {
    if (!IsNoOp(graph, node)) continue;
    const ValueId from = node.inputs[0];
    const ValueId to = node.outputs[0];
    if (!Contains(graph.outputs, to)) {
      view.Drop(node);
      graph.ReplaceUses(to, from);
      view.Refresh();
      continue;
    }
    // The result's name is the one users know: the producer writes it directly.
    Node* producer = view.Producer(from);
    if (producer == nullptr || Contains(graph.outputs, from)) continue;
    view.Drop(node);
    std::replace(producer->outputs.begin(), producer->outputs.end(), from, to);
    graph.ReplaceUses(from, to);
    view.Refresh();
  }
  return view.Finish();
}

}  // namespace slipway
