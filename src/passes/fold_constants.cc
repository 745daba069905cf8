// Nodes whose inputs are all constant, and values whose content shape inference knows, become constants.
//   Add(c1, c2)               =>   c3
//   Shape(x: f32[1,3,8,8])    =>   i64 [1,3,8,8]
// Left alone: random generators, and results of more than 16 MB that were not in the model.
#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "passes/pass.h"

namespace slipway {
namespace {

constexpr int64_t kMaxFoldedBytes = int64_t{16} << 20;

bool AreInputsConstant(const Graph& graph, const Node& node) {
  bool has_any = false;
  for (ValueId id : node.inputs) {
    if (id == kNoValue) continue;
    if (!graph.value(id).IsConstant()) return false;
    has_any = true;
  }
  return has_any;
}

bool HasGraphAttr(const Node& node) {
  for (const auto& [name, attr] : node.attrs) {
    if (std::holds_alternative<GraphRef>(attr)) return true;
  }
  return false;
}

bool IsSmall(const Graph& graph, const Node& node) {
  for (ValueId id : node.outputs) {
    if (id == kNoValue) continue;
    const Type& type = graph.value(id).type;
    if (type.kind != TypeKind::kTensor) return false;
    if (type.IsStatic() && BytesOf(type.dtype, CountOf(KnownDims(*type.shape))) > kMaxFoldedBytes)
      return false;
  }
  return true;
}

// Values become constants in place: their readers need no change.
Status FoldNode(Graph& graph, const Node& node) {
  std::vector<Datum> data(node.inputs.size());
  std::vector<const Datum*> inputs(node.inputs.size(), nullptr);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    data[i] = Datum::Of(graph.value(node.inputs[i]).data);
    inputs[i] = &data[i];
  }
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<Datum> results, RunReference(graph, node, inputs, nullptr));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    Value& value = graph.value(node.outputs[i]);
    value.data = std::move(results[i].tensor);
    value.type = Type::Of(value.data.dtype(), ToDimList(value.data.dims()));
  }
  return Status::Ok();
}

bool FoldContent(Graph& graph, const Node& node, const GraphFacts& facts) {
  for (ValueId id : node.outputs) {
    if (id == kNoValue) continue;
    const auto& content = facts.contents[static_cast<size_t>(id)];
    const Type& type = graph.value(id).type;
    if (!content || !AllKnown(*content) || !type.IsStatic()) return false;
    if (!(IsInteger(type.dtype) || type.dtype == DType::kBool)) return false;
    if (CountOf(KnownDims(*type.shape)) != static_cast<int64_t>(content->size())) return false;
  }
  for (ValueId id : node.outputs) {
    if (id == kNoValue) continue;
    Value& value = graph.value(id);
    const Ints known = KnownDims(*facts.contents[static_cast<size_t>(id)]);
    Tensor tensor(value.type.dtype, KnownDims(*value.type.shape));
    for (size_t i = 0; i < known.size(); ++i) {
      StoreInt(tensor.dtype(), tensor.data(), static_cast<int64_t>(i), known[i]);
    }
    value.data = std::move(tensor);
  }
  return true;
}

}  // namespace

Result<bool> FoldConstants(Graph& graph) {
  GraphFacts facts;
  SLIPWAY_RETURN_IF_ERROR(InferGraph(graph, &facts));
  std::vector<bool> is_dropped(graph.nodes.size(), false);
  bool has_changed = false;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node node = graph.nodes[i];
    const OpDef* op = FindOp(node.op);
    if (op == nullptr || op->reference == nullptr || !op->is_deterministic || HasGraphAttr(node)) continue;
    if (FoldContent(graph, node, facts)) {
      is_dropped[i] = true;
    } else if (AreInputsConstant(graph, node) && IsSmall(graph, node)) {
      // A node that cannot run on its constants fails when the model runs, with the same message.
      if (!FoldNode(graph, node).ok()) continue;
      is_dropped[i] = true;
    }
    has_changed |= is_dropped[i];
  }
  if (has_changed) graph.Compact(is_dropped);
  return has_changed;
}

}  // namespace slipway
