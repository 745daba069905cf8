// Channels that are shuffled to be taken apart are taken from where they are: of every `groups` channels one.
//   Gather(Reshape(Transpose(Reshape(x, [n c / groups, groups, h w]), [1, 0, 2]), [groups, n, c / groups, h,
//   w]), i)
//     =>   Slice(x, channels from i on, every groups-th)                             ShuffleNetV2 as PyTorch
//     exports it
// Left alone: shapes that are not static, a shuffle that others read, indices that are not constant, axes
// other than the first, quantised values.
#include <algorithm>

#include "base/scalar.h"
#include "ops/transpose_tensor.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

// The nodes between x and those that take it apart.
struct Shuffle {
  Node* cut = nullptr;  // the channels into groups
  Node* turn = nullptr;
  Node* join = nullptr;
  ValueId x = kNoValue;
  int64_t groups = 0;
};

// Empty: not known, or quantised.
Dims StaticDims(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  return value.type.IsStatic() && !value.quant ? KnownDims(*value.type.shape) : Dims();
}

std::optional<Shuffle> ShuffleInFrontOf(GraphView& view, const Node& gather) {
  const Graph& graph = view.graph();
  Shuffle s;
  s.join = view.Producer(gather.inputs[0]);
  if (!IsPlain(s.join, "Reshape")) return std::nullopt;
  s.turn = view.Producer(s.join->inputs[0]);
  if (!IsPlain(s.turn, "Transpose") || !view.IsOnlyReadOnce(s.turn->outputs[0])) return std::nullopt;
  s.cut = view.Producer(s.turn->inputs[0]);
  if (!IsPlain(s.cut, "Reshape") || !view.IsOnlyReadOnce(s.cut->outputs[0])) return std::nullopt;
  s.x = s.cut->inputs[0];
  const Dims x = StaticDims(graph, s.x), cut = StaticDims(graph, s.cut->outputs[0]);
  const Dims parts = StaticDims(graph, s.join->outputs[0]);
  if (x.size() < 2 || cut.size() != 3 || parts.size() != x.size() + 1 || CountOf(x) == 0) return std::nullopt;
  s.groups = cut[1];
  Dims part = x;  // that every index takes
  part[1] /= s.groups;
  const bool is_shuffle = PermutationOf(s.turn->attrs, 3) == Ints{1, 0, 2} && x[1] % s.groups == 0 &&
                          cut[2] == CountOf(Dims(x.begin() + 2, x.end())) && parts[0] == s.groups &&
                          std::equal(part.begin(), part.end(), parts.begin() + 1);
  return is_shuffle ? std::optional(s) : std::nullopt;
}

// The group that it takes; nullopt: another thing.
std::optional<int64_t> GroupOf(GraphView& view, const Node& node, int64_t groups) {
  if (node.op != "Gather" || node.attrs.Int("axis") != 0 || node.attrs.Int("batch_dims") != 0)
    return std::nullopt;
  const Tensor* index = view.Constant(node.inputs[1]);
  if (index == nullptr || index->rank() != 0 || view.graph().value(node.outputs[0]).quant)
    return std::nullopt;
  const int64_t group = IntsOf(*index)[0];
  if (group < -groups || group >= groups) return std::nullopt;
  return group < 0 ? group + groups : group;
}

Status Take(GraphView& view, const Shuffle& shuffle, int64_t group, Node& gather) {
  Graph& graph = view.graph();
  const auto constant = [&](const char* what, int64_t value) {
    return graph.AddConstant(gather.name + "/" + what, Tensor::From<int64_t>(DType::kI64, {1}, Ints{value}));
  };
  const int64_t channels = graph.value(shuffle.x).type.shape->at(1).value();
  for (const Node* node : {shuffle.cut, shuffle.turn, shuffle.join}) MergeSources(gather, *node);
  SLIPWAY_RETURN_IF_ERROR(Become(gather, "Slice",
                                 {shuffle.x, constant("start", group), constant("end", channels),
                                  constant("axis", 1), constant("step", shuffle.groups)},
                                 {}));
  view.Update(gather);
  return Status::Ok();
}

}  // namespace

Result<bool> SliceShuffle(Graph& graph) {
  GraphView view(graph);
  bool has_changed = false;
  for (Node& node : graph.nodes) {
    if (node.op != "Gather") continue;
    const auto shuffle = ShuffleInFrontOf(view, node);
    if (!shuffle) continue;
    const ValueId parts = shuffle->join->outputs[0];
    const std::vector<Node*> readers = view.Readers(parts);
    const bool are_all = std::ranges::all_of(
        readers, [&](const Node* reader) { return GroupOf(view, *reader, shuffle->groups).has_value(); });
    if (!are_all || view.UseCount(parts) != static_cast<int>(readers.size())) continue;
    for (Node* reader : readers)
      SLIPWAY_RETURN_IF_ERROR(Take(view, *shuffle, *GroupOf(view, *reader, shuffle->groups), *reader));
    view.DropUnread({shuffle->join, shuffle->turn, shuffle->cut});
    has_changed = true;
  }
  return view.Finish() || has_changed;
}

}  // namespace slipway
