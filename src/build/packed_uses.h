// Which constants of a graph nobody reads any more, because every kernel that did has packed them.
#pragma once

#include <vector>

#include "backends/api/packed_inputs.h"
#include "ir/graph.h"

namespace slipway {

class PackedUses {
 public:
  // Nobody has packed anything yet.
  explicit PackedUses(const Graph& graph);
  // The kernel of this node has been made. The constants that this leaves without a reader.
  std::vector<ValueId> Add(const Node& node, const PackedInputs& packed);

 private:
  std::vector<int> uses_;  // by ValueId: inputs of nodes and outputs of the graph that still read it
};

}  // namespace slipway
