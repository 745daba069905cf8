// Inference of a single node within a graph: shared by InferGraph and GraphBuilder.
#pragma once

#include "ops/infer.h"

namespace slipway {

// Sets the types of the node's outputs; reads and extends `contents` (one entry per value of the graph).
Status InferNodeInGraph(Graph& graph, const Node& node, std::vector<std::optional<Content>>& contents);

}  // namespace slipway
