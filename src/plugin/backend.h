// How engines run plugins' nodes: beside every backend, whichever is chosen.
#pragma once

#include "backends/api/backend.h"

namespace slipway {

// One tactic, plugin/run.
const Backend& PluginBackend();

// Whether a node of the graph, sub-graphs left aside, is a plugin's.
bool HasPluginNodes(const Graph& graph);

}  // namespace slipway
