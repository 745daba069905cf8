// Shape arithmetic in front of a Reshape, on extents that are known as symbols alone.
//   Reshape(x: [N,L,768], Concat(Gather(Shape(x), 0), Gather(Shape(x), 1), [12, 64]))
//     =>   Reshape(x, [0, 0, 12, 64])
//   Reshape(x: [N,L,768], [N*L, 768])
//     =>   Reshape(x, [-1, 768])
//
// An extent that is surely x's own at that place is copied (0); one that is left is what the others leave
// over (-1), if those are numbers: beside an extent that may be 0, -1 would have no meaning. Left alone: two
// extents that are left, zeros, shapes whose content inference does not know.
#include <algorithm>

#include "ops/infer.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace slipway {
namespace {

// The constant that reads the same over any x of that shape; nullopt if there is none.
std::optional<Ints> TargetOf(const Content& wanted, const DimList& x) {
  Ints target;
  bool has_copies = false;
  int left = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Dim& extent = wanted[i];
    if (extent.IsKnown() && extent.value() == 0) return std::nullopt;
    const bool is_copy = !extent.IsKnown() && i < x.size() && extent.SurelyEquals(x[i]);
    has_copies |= is_copy;
    left += !extent.IsKnown() && !is_copy;
    target.push_back(extent.IsKnown() ? extent.value() : is_copy ? 0 : -1);
  }
  const bool has_rest = std::any_of(wanted.begin(), wanted.end(),
                                    [](const Dim& extent) { return extent.IsKnown() && extent.value() < 0; });
  if (left > 1 || (left == 1 && (has_copies || has_rest))) return std::nullopt;
  return target;
}

}  // namespace

Result<bool> FoldShapes(Graph& graph) {
  GraphFacts facts;
  SLIPWAY_RETURN_IF_ERROR(InferGraph(graph, &facts));
  bool has_changed = false;
  for (Node& node : graph.nodes) {
    if (node.op != "Reshape" || graph.value(node.inputs[1]).IsConstant()) continue;
    const Type& x = graph.value(node.inputs[0]).type;
    const auto& content = facts.contents[static_cast<size_t>(node.inputs[1])];
    if (!content || !x.HasRank()) continue;
    const auto target = TargetOf(*content, *x.shape);
    if (!target) continue;
    const auto rank = static_cast<int64_t>(target->size());
    const ValueId shape =
        graph.AddConstant(node.name + "/shape", Tensor::From<int64_t>(DType::kI64, {rank}, *target));
    SLIPWAY_RETURN_IF_ERROR(Become(node, "Reshape", {node.inputs[0], shape}, {}));
    has_changed = true;
  }
  return has_changed;
}

}  // namespace slipway
