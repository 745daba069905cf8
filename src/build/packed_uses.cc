#include "build/packed_uses.h"

namespace slipway {

PackedUses::PackedUses(const Graph& graph) : uses_(graph.values.size(), 0) {
  const auto count = [&](const std::vector<ValueId>& ids) {
    for (ValueId id : ids) {
      if (id != kNoValue) ++uses_[static_cast<size_t>(id)];
    }
  };
  for (const Node& node : graph.nodes) count(node.inputs);
  count(graph.outputs);
}

std::vector<ValueId> PackedUses::Add(const Node& node, const PackedInputs& packed) {
  std::vector<ValueId> unread;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue || !packed.Has(i)) continue;
    if (--uses_[static_cast<size_t>(node.inputs[i])] == 0) unread.push_back(node.inputs[i]);
  }
  return unread;
}

}  // namespace slipway
