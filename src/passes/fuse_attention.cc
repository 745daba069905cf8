// Attention spelt out (Vaswani et al., 2017), as BERT, MiniLM, ViT and GPT-2 have it.
//   q = Transpose(Reshape(Q, [B,L,H,D]), [0,2,1,3]), k and v likewise from K and V
//   p = Softmax(MatMul(q, k^T) * scale + mask)
//   Reshape(Transpose(MatMul(p, v), [0,2,1,3]), [B,L,H*E])
//     =>   Attention(Q, K, V, mask, q_num_heads = kv_num_heads = H, scale)
// and, where heads are not packed into rows like that (a cache of keys, say):
//   MatMul(Softmax(MatMul(q, k^T) * scale + mask), v)     =>   Attention(q, k, v, mask, scale)
// k^T is a Transpose by [0,1,3,2], one by [0,2,3,1] that splits the heads as well, or MatMul's own. The scale
// may stand on either operand or behind the product, as a factor or a divisor. One projection of all three,
// cut by a Transpose of rank 5 (timm), is cut by a Split of its rows instead. Left alone: scores that others
// read, masks that do not end in the keys' axis (the record would take those for shorter ones), numbers that
// are not floats, heads whose count is not known. A query that may see no key at all gives zeros; spelt out,
// it gave NaN.
#include <algorithm>
#include <array>

#include "base/scalar.h"
#include "passes/attention_operand.h"
#include "passes/pass.h"

namespace slipway {
namespace {

// Everything of one attention, found from its Softmax.
struct Pattern {
  AttentionOperand q, k, v;
  ValueId mask = kNoValue;
  double scale = 1;
  Node* root = nullptr;       // the MatMul with the values, which becomes the Attention
  std::vector<Node*> nodes;   // the others
  Node* turn_back = nullptr;  // Transpose by [0,2,1,3] behind it, or null
  Node* pack_back = nullptr;  // Reshape to [B,L,H*E] behind that, or null
};

bool IsPlainMatMul(const Node* node) {
  return node != nullptr && node->op == "MatMul" && node->attrs.Int("transpose_a") == 0;
}

// Along the last axis of four; coerce_2d means the same there.
bool IsSoftmaxOfRows(const Graph& graph, const Node& node) {
  if (node.op != "Softmax" || node.attrs.Float("beta", 1) != 1) return false;
  const Type& type = graph.value(node.outputs[0]).type;
  const int64_t axis = node.attrs.Int("axis", -1);
  return type.HasRank() && type.rank() == 4 && IsFloat(type.dtype) && (axis == -1 || axis == 3);
}

// The mask may be added to scores of this type without making them larger, and covers every key.
bool IsMaskOf(const Type& mask, const Type& scores) {
  if (mask.dtype != scores.dtype || !mask.HasRank() || mask.rank() < 1 || mask.rank() > 4) return false;
  for (int i = 0; i < mask.rank(); ++i) {
    const Dim& own = (*mask.shape)[static_cast<size_t>(mask.rank() - 1 - i)];
    const Dim& wanted = (*scores.shape)[static_cast<size_t>(3 - i)];
    const bool is_one = own.IsKnown() && own.value() == 1 && i > 0;
    if (!is_one && !own.SurelyEquals(wanted)) return false;
  }
  return true;
}

class AttentionFuser {
 public:
  explicit AttentionFuser(Graph& graph) : graph_(graph), view_(graph) {}

  Result<bool> Run() {
    for (Node& node : graph_.nodes) {
      auto pattern = Find(node);
      if (!pattern) continue;
      SLIPWAY_RETURN_IF_ERROR(Replace(*pattern));
      has_changed_ = true;
    }
    view_.Finish();
    return has_changed_;
  }

 private:
  std::optional<Pattern> Find(Node& softmax) {
    if (!IsSoftmaxOfRows(graph_, softmax)) return std::nullopt;
    Pattern found;
    found.root = view_.OnlyReader(softmax.outputs[0]);
    if (!IsPlainMatMul(found.root) || found.root->inputs[0] != softmax.outputs[0] ||
        found.root->attrs.Int("transpose_b") != 0)
      return std::nullopt;
    found.nodes = {&softmax};
    ValueId scores = SkipMask(softmax.inputs[0], found);
    scores = SkipScale(view_, scores, found.scale, found.nodes);
    Node* product = view_.Producer(scores);
    if (!IsPlainMatMul(product) || !view_.IsOnlyReadOnce(scores)) return std::nullopt;
    found.nodes.push_back(product);
    const bool is_turned = product->attrs.Int("transpose_b") == 0;
    const auto q = ReadAttentionOperand(view_, product->inputs[0], HeadAxes::kApart);
    const auto k =
        ReadAttentionOperand(view_, product->inputs[1], is_turned ? HeadAxes::kTurned : HeadAxes::kApart);
    auto v = ReadAttentionOperand(view_, found.root->inputs[1], HeadAxes::kApart);
    if (!q || !k || !v || v->scale != 1 || !HaveOneBatch(*q, *k, *v)) return std::nullopt;
    found.q = *q;
    found.k = *k;
    found.v = *v;
    found.scale *= q->scale * k->scale;
    FindEnd(found);
    return found;
  }

  // What the mask was added to; the value itself where there is none.
  ValueId SkipMask(ValueId value, Pattern& found) {
    Node* add = view_.Producer(value);
    const bool is_plain = add != nullptr && add->op == "Add" && add->inputs.size() == 2 &&
                          add->attrs.String("activation") == "none" && view_.IsOnlyReadOnce(value);
    if (!is_plain) return value;
    for (const size_t side : {0, 1}) {
      const Type& scores = graph_.value(add->inputs[side]).type;
      if (!scores.HasRank() || scores.rank() != 4 || !ComesFromProduct(add->inputs[side])) continue;
      if (!IsMaskOf(graph_.value(add->inputs[1 - side]).type, scores)) continue;
      found.mask = add->inputs[1 - side];
      found.nodes.push_back(add);
      return add->inputs[side];
    }
    return value;
  }

  bool ComesFromProduct(ValueId value) {
    double scale = 1;
    std::vector<Node*> nodes;
    const ValueId scores = SkipScale(view_, value, scale, nodes);
    return IsPlainMatMul(view_.Producer(scores)) && view_.IsOnlyReadOnce(scores);
  }

  bool HaveOneBatch(const AttentionOperand& q, const AttentionOperand& k, const AttentionOperand& v) {
    const DimList &a = q.extents, &b = k.extents, &c = v.extents;  // [B,H,L,D]
    const bool are_heads_known = a[1].IsKnown() && a[3].IsKnown();
    return are_heads_known && a[0].SurelyEquals(b[0]) && a[0].SurelyEquals(c[0]) && a[1].SurelyEquals(b[1]) &&
           a[1].SurelyEquals(c[1]) && a[3].SurelyEquals(b[3]) && b[2].SurelyEquals(c[2]) && c[3].IsKnown();
  }

  void FindEnd(Pattern& found) {
    Node* turn = view_.OnlyReader(found.root->outputs[0]);
    if (turn == nullptr || turn->op != "Transpose" || turn->attrs.IntList("perm") != Ints{0, 2, 1, 3}) return;
    found.turn_back = turn;
    Node* pack = view_.OnlyReader(turn->outputs[0]);
    const DimList packed = PackedExtents(found);
    if (pack == nullptr || pack->op != "Reshape" || !IsSurely(graph_.value(pack->outputs[0]).type, packed))
      return;
    found.pack_back = pack;
  }

  // [B,L,H*E], of the result.
  DimList PackedExtents(const Pattern& found) const {
    const DimList& q = found.q.extents;
    return {q[0], q[2], q[1] * found.v.extents[3]};
  }

  // Packed where that saves a move at both ends; else apart.
  bool IsPackable(const Pattern& found) {
    return found.turn_back != nullptr && CanPackTogether(view_, found.q, found.k, found.v);
  }

  Status Replace(Pattern& found) {
    const bool is_packed = IsPackable(found);
    const int64_t heads = found.q.extents[1].value();
    Attrs attrs = {{"scale", static_cast<float>(found.scale)}};
    const std::array<AttentionOperand*, 3> qkv = {&found.q, &found.k, &found.v};
    std::vector<ValueId> operands;
    if (is_packed) {
      attrs.Set("q_num_heads", heads);
      attrs.Set("kv_num_heads", heads);
      SLIPWAY_ASSIGN_OR_RETURN(operands, PackOperands(view_, qkv));
      SLIPWAY_RETURN_IF_ERROR(PackResult(found));
    } else {
      for (const AttentionOperand* each : qkv) operands.push_back(ApartOf(view_, *each));
    }
    if (found.mask != kNoValue) operands.push_back(found.mask);
    for (const AttentionOperand* each : qkv)
      found.nodes.insert(found.nodes.end(), each->nodes.begin(), each->nodes.end());
    std::sort(found.nodes.begin(), found.nodes.end());
    for (const Node* node : found.nodes) MergeSources(*found.root, *node);
    SLIPWAY_RETURN_IF_ERROR(Become(*found.root, "Attention", std::move(operands), std::move(attrs)));
    view_.Update(*found.root);
    view_.DropUnread(found.nodes);
    return Status::Ok();
  }

  // The Attention writes what the Reshape wrote; without one, the Transpose becomes the Reshape to [B,L,H,E].
  Status PackResult(Pattern& found) {
    MergeSources(*found.root, *found.turn_back);
    if (found.pack_back != nullptr) {
      found.root->outputs[0] = found.pack_back->outputs[0];
      MergeSources(*found.root, *found.pack_back);
      view_.Drop(*found.turn_back);
      view_.Drop(*found.pack_back);
      return Status::Ok();
    }
    graph_.value(found.root->outputs[0]).type.shape = PackedExtents(found);
    if (Node* reshape = view_.OnlyReader(found.turn_back->outputs[0]); IsReshapeToConstant(reshape)) {
      reshape->inputs[0] = found.root->outputs[0];
      view_.Update(*reshape);
      view_.Drop(*found.turn_back);
      return Status::Ok();
    }
    const DimList &q = found.q.extents, &v = found.v.extents;
    const DimList apart = {q[0], q[2], q[1], v[3]};
    return BecomeReshape(view_, *found.turn_back, found.root->outputs[0], apart);
  }

  // That reads the same over [B,L,H,E] and [B,L,H*E]: of either, a 0 may copy the first two extents.
  bool IsReshapeToConstant(const Node* node) const {
    const Tensor* shape =
        node != nullptr && node->op == "Reshape" ? view_.Constant(node->inputs[1]) : nullptr;
    if (shape == nullptr) return false;
    const Ints dims = IntsOf(*shape);
    return std::find(dims.begin() + std::min<int64_t>(2, shape->count()), dims.end(), 0) == dims.end();
  }

  Graph& graph_;
  GraphView view_;
  bool has_changed_ = false;
};

}  // namespace

Result<bool> FuseAttention(Graph& graph) { return AttentionFuser(graph).Run(); }

}  // namespace slipway
