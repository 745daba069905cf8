// Nodes and values that no output needs.
//   x -> A -> (nobody)        =>   x
#include "passes/pass.h"

namespace slipway {

Result<bool> EliminateDead(Graph& graph) {
  std::vector<bool> is_needed(graph.values.size(), false);
  for (ValueId id : graph.outputs) is_needed[static_cast<size_t>(id)] = true;
  std::vector<bool> is_dropped(graph.nodes.size(), false);
  bool has_changed = false;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    bool is_live = false;
    for (ValueId id : node.outputs) is_live |= id != kNoValue && is_needed[static_cast<size_t>(id)];
    if (!is_live) {
      is_dropped[i] = true;
      has_changed = true;
      continue;
    }
    for (ValueId id : node.inputs) {
      if (id != kNoValue) is_needed[static_cast<size_t>(id)] = true;
    }
  }
  graph.Compact(is_dropped);
  return has_changed;
}

}  // namespace slipway
