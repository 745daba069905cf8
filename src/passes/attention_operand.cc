#include "passes/attention_operand.h"

#include <algorithm>
#include <array>

#include "base/scalar.h"

namespace slipway {
namespace {

bool IsTranspose(const Node* node, const Ints& perm) {
  return node != nullptr && node->op == "Transpose" && node->attrs.IntList("perm") == perm;
}

// [B,H,L,D] of a value that the product reads.
std::optional<DimList> ExtentsOf(const Graph& graph, ValueId value, HeadAxes axes) {
  const Type& type = graph.value(value).type;
  if (!type.HasRank() || type.rank() != 4) return std::nullopt;
  DimList extents = *type.shape;
  if (axes == HeadAxes::kTurned) std::swap(extents[2], extents[3]);
  return extents;
}

// The rows before they were split into heads, if a Reshape did so for this operand alone.
void FindPacked(GraphView& view, AttentionOperand& operand) {
  const Node* split = view.Producer(operand.rows);
  if (split == nullptr || split->op != "Reshape") return;
  const DimList& e = operand.extents;
  if (!e[1].IsKnown() || !e[3].IsKnown()) return;
  const Type& type = view.graph().value(split->inputs[0]).type;
  if (IsSurely(type, {e[0], e[2], e[1] * e[3]})) operand.packed = split->inputs[0];
}

void AddIfReshape(Node& node, AttentionOperand& operand) {
  if (node.op == "Reshape") operand.nodes.push_back(&node);
}

// Gather(Transpose(Reshape(x, [B,L,3,H,D]), [2,0,3,1,4]), i)
void FindProjection(GraphView& view, ValueId part, AttentionOperand& operand) {
  Node* gather = view.Producer(part);
  if (gather == nullptr || gather->op != "Gather" || gather->attrs.Int("axis") != 0) return;
  const Tensor* index = view.Constant(gather->inputs[1]);
  Node* turn = view.Producer(gather->inputs[0]);
  if (index == nullptr || index->rank() != 0 || !view.IsOnlyReadOnce(part)) return;
  if (!IsTranspose(turn, {2, 0, 3, 1, 4})) return;
  Node* split = view.Producer(turn->inputs[0]);
  if (split == nullptr || split->op != "Reshape" || !view.IsOnlyReadOnce(turn->inputs[0])) return;
  const DimList& e = operand.extents;
  if (!e[1].IsKnown() || !e[3].IsKnown()) return;
  const Graph& graph = view.graph();
  if (!IsSurely(graph.value(turn->inputs[0]).type, {e[0], e[2], Dim(3), e[1], e[3]})) return;
  if (!IsSurely(graph.value(split->inputs[0]).type, {e[0], e[2], Dim(3) * e[1] * e[3]})) return;
  operand.split_heads = split;
  operand.split_turn = turn;
  operand.split_part = part;
  operand.split_index = LoadInt(index->dtype(), index->data(), 0);
  if (operand.split_index < 0) operand.split_index += 3;
}

bool HasRows(const AttentionOperand& operand) {
  const DimList& e = operand.extents;
  return operand.packed != kNoValue || (operand.turn != nullptr && e[1].IsKnown() && e[3].IsKnown());
}

// One projection, each part once, and nothing else reads it.
bool IsWholeProjection(GraphView& view, const AttentionOperand& q, const AttentionOperand& k,
                       const AttentionOperand& v) {
  if (q.split_heads == nullptr || k.split_heads != q.split_heads || v.split_heads != q.split_heads)
    return false;
  std::array<bool, 3> is_there = {};
  for (const AttentionOperand* each : {&q, &k, &v}) {
    if (each->split_index < 0 || each->split_index > 2) return false;
    is_there[static_cast<size_t>(each->split_index)] = true;
  }
  const int readers = view.UseCount(q.split_turn->outputs[0]);
  return is_there[0] && is_there[1] && is_there[2] && readers == 3;
}

// The Reshape becomes Split(x, axis = 2), whose results take the place of the parts.
Result<std::vector<ValueId>> SplitProjection(GraphView& view, std::span<AttentionOperand* const> operands) {
  Graph& graph = view.graph();
  Node& split = *operands[0]->split_heads;
  std::vector<ValueId> outputs(3, kNoValue);
  std::vector<ValueId> packed;
  for (AttentionOperand* each : operands) {
    const DimList& e = each->extents;
    Node* gather = view.Producer(each->split_part);
    Value part;
    part.name = graph.value(each->split_part).name;
    part.type = Type::Of(graph.value(each->split_part).type.dtype, {e[0], e[2], e[1] * e[3]});
    packed.push_back(graph.AddValue(std::move(part)));
    outputs[static_cast<size_t>(each->split_index)] = packed.back();
    each->nodes.push_back(gather);
    each->nodes.push_back(each->split_turn);
  }
  MergeSources(split, *operands[0]->split_turn);
  SLIPWAY_RETURN_IF_ERROR(Become(split, "Split", {split.inputs[0]}, {{"axis", int64_t{2}}}));
  split.outputs = std::move(outputs);
  view.Update(split);
  return packed;
}

}  // namespace

ValueId SkipScale(GraphView& view, ValueId value, double& scale, std::vector<Node*>& nodes) {
  while (true) {
    Node* node = view.Producer(value);
    const bool is_factor = node != nullptr && node->inputs.size() == 2 && view.IsOnlyReadOnce(value) &&
                           (node->op == "Mul" || node->op == "Div") &&
                           node->attrs.String("activation") == "none";
    if (!is_factor) return value;
    size_t side = 1;
    auto factor = view.Scalar(node->inputs[1]);
    if (!factor && node->op == "Mul") factor = view.Scalar(node->inputs[side = 0]);
    const Graph& graph = view.graph();
    const ValueId scaled = node->inputs[1 - side];
    const Type& from = graph.value(scaled).type;
    const Type& to = graph.value(value).type;
    if (!factor || *factor == 0 || !from.HasRank() || !to.HasRank() || from.rank() != to.rank()) return value;
    scale *= node->op == "Div" ? 1 / *factor : *factor;
    nodes.push_back(node);
    value = scaled;
  }
}

std::optional<AttentionOperand> ReadAttentionOperand(GraphView& view, ValueId value, HeadAxes axes) {
  const auto extents = ExtentsOf(view.graph(), value, axes);
  if (!extents) return std::nullopt;
  AttentionOperand operand;
  operand.extents = *extents;
  value = SkipScale(view, value, operand.scale, operand.nodes);
  bool is_turned = axes == HeadAxes::kTurned;
  if (Node* turn = view.Producer(value); is_turned && IsTranspose(turn, {0, 1, 3, 2})) {
    operand.nodes.push_back(turn);
    value = SkipScale(view, turn->inputs[0], operand.scale, operand.nodes);
    is_turned = false;
  }
  Node* turn = view.Producer(value);
  if (IsTranspose(turn, is_turned ? Ints{0, 2, 3, 1} : Ints{0, 2, 1, 3}) && view.IsOnlyReadOnce(value)) {
    operand.turn = turn;
    operand.nodes.push_back(turn);
    operand.rows = SkipScale(view, turn->inputs[0], operand.scale, operand.nodes);
    FindPacked(view, operand);
    if (Node* split = view.Producer(operand.rows)) AddIfReshape(*split, operand);
    return operand;
  }
  if (is_turned) return std::nullopt;
  operand.apart = value;
  FindProjection(view, value, operand);
  return operand;
}

bool CanPackTogether(GraphView& view, const AttentionOperand& q, const AttentionOperand& k,
                     const AttentionOperand& v) {
  return (HasRows(q) && HasRows(k) && HasRows(v)) || IsWholeProjection(view, q, k, v);
}

Result<std::vector<ValueId>> PackOperands(GraphView& view, std::span<AttentionOperand* const> operands) {
  if (operands[0]->split_heads != nullptr) return SplitProjection(view, operands);
  std::vector<ValueId> packed;
  for (AttentionOperand* each : operands) {
    if (each->packed == kNoValue) {
      const DimList& e = each->extents;
      each->packed = each->turn->outputs[0];
      SLIPWAY_RETURN_IF_ERROR(BecomeReshape(view, *each->turn, each->rows, {e[0], e[2], e[1] * e[3]}));
    }
    packed.push_back(each->packed);
  }
  return packed;
}

ValueId ApartOf(GraphView& view, const AttentionOperand& operand) {
  if (operand.turn == nullptr) return operand.apart;
  operand.turn->attrs.Set("perm", Ints{0, 2, 1, 3});
  operand.turn->inputs[0] = operand.rows;
  view.Update(*operand.turn);
  view.graph().value(operand.turn->outputs[0]).type.shape = operand.extents;
  return operand.turn->outputs[0];
}

bool IsSurely(const Type& type, const DimList& extents) {
  if (!type.HasRank() || type.rank() != static_cast<int>(extents.size())) return false;
  for (size_t i = 0; i < extents.size(); ++i) {
    if (!(*type.shape)[i].SurelyEquals(extents[i])) return false;
  }
  return true;
}

Status BecomeReshape(GraphView& view, Node& node, ValueId from, const DimList& extents) {
  Graph& graph = view.graph();
  const auto rank = static_cast<int64_t>(extents.size());
  Ints dims;
  for (const Dim& extent : extents) dims.push_back(extent.IsKnown() ? extent.value() : 0);
  graph.value(node.outputs[0]).type.shape = extents;
  const ValueId shape =
      graph.AddConstant(node.name + "/shape", Tensor::From<int64_t>(DType::kI64, {rank}, dims));
  SLIPWAY_RETURN_IF_ERROR(Become(node, "Reshape", {from, shape}, {}));
  view.Update(node);
  return Status::Ok();
}

}  // namespace slipway
