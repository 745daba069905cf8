// Nodes and values that no output needs; the nodes may stand in any order.
//   x -> A -> (nobody)        =>   x
#include <algorithm>

#include "passes/pass.h"

namespace slipway {

Result<bool> EliminateDead(Graph& graph) {
  const std::vector<int> producers = graph.Producers();
  std::vector<bool> is_dropped(graph.nodes.size(), true);
  std::vector<ValueId> needed = graph.outputs;
  while (!needed.empty()) {
    const ValueId id = needed.back();
    needed.pop_back();
    const int producer = id == kNoValue ? -1 : producers[static_cast<size_t>(id)];
    if (producer < 0 || !is_dropped[static_cast<size_t>(producer)]) continue;
    is_dropped[static_cast<size_t>(producer)] = false;
    const std::vector<ValueId>& inputs = graph.nodes[static_cast<size_t>(producer)].inputs;
    needed.insert(needed.end(), inputs.begin(), inputs.end());
  }
  graph.Compact(is_dropped);
  return std::find(is_dropped.begin(), is_dropped.end(), true) != is_dropped.end();
}

}  // namespace slipway
