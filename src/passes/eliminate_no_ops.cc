// Operators that change nothing.
//   Identity(x)                          =>   x
//   Cast(x: T, to = T)                   =>   x
//   Transpose(x, identity permutation)   =>   x
//   Reshape / Squeeze / Unsqueeze / Flatten / Expand(x) to x's own static shape   =>   x
// Left alone: where the result is a graph output and x is a graph input or an output too (both names must
// live).
#include <algorithm>

#include "passes/pass.h"

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

// In one sweep: what stands for a value that is gone is looked up where it is read.
class Eliminator {
 public:
  explicit Eliminator(Graph& graph)
      : graph_(graph),
        producers_(graph.Producers()),
        stand_ins_(graph.values.size(), kNoValue),
        is_output_(graph.values.size(), false),
        is_dropped_(graph.nodes.size(), false) {
    for (ValueId id : graph.outputs) is_output_[Index(id)] = true;
  }

  bool Run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      TakeStandIns(graph_.nodes[i]);
      is_dropped_[i] = IsNoOp(graph_, graph_.nodes[i]) && Bypass(graph_.nodes[i]);
    }
    if (std::find(is_dropped_.begin(), is_dropped_.end(), true) == is_dropped_.end()) return false;
    for (Node& node : graph_.nodes) TakeStandIns(node);  // producers took over names that others had read
    graph_.Compact(is_dropped_);
    return true;
  }

 private:
  static size_t Index(ValueId id) { return static_cast<size_t>(id); }

  void TakeStandIns(Node& node) {
    for (ValueId& id : node.inputs) {
      while (id != kNoValue && stand_ins_[Index(id)] != kNoValue) id = stand_ins_[Index(id)];
    }
  }

  // False where the node must stay.
  bool Bypass(const Node& no_op) {
    const ValueId from = no_op.inputs[0];
    const ValueId to = no_op.outputs[0];
    if (!is_output_[Index(to)]) {
      stand_ins_[Index(to)] = from;
      return true;
    }
    // The result's name is the one users know: the producer writes it directly.
    const int producer = producers_[Index(from)];
    if (producer < 0 || is_output_[Index(from)]) return false;
    std::vector<ValueId>& outputs = graph_.nodes[Index(producer)].outputs;
    std::replace(outputs.begin(), outputs.end(), from, to);
    producers_[Index(to)] = producer;
    stand_ins_[Index(from)] = to;
    return true;
  }

  Graph& graph_;
  std::vector<int> producers_;
  std::vector<ValueId> stand_ins_;  // by ValueId: what is read in its place; kNoValue: itself
  std::vector<bool> is_output_, is_dropped_;
};

}  // namespace

Result<bool> EliminateNoOps(Graph& graph) { return Eliminator(graph).Run(); }

}  // namespace slipway
