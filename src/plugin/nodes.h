// Plugin nodes in a graph: making them, giving waiting nodes their plugin, saying which still wait.
#pragma once

#include "ir/graph.h"
#include "ops/import.h"
#include "plugin/registry.h"

namespace slipway {

// Completes a node of a plugin: the library's name, attributes' defaults, and the state that the plugin wants
// to keep. REQUIRES: op, name and inputs are set, the inputs' values are in the graph.
Status PreparePluginNode(const Graph& graph, Node& node, size_t num_outputs);

// Nodes that wait (ops/dynamic_ops.h: "custom:...") and that a plugin now there claims become that plugin's,
// sub-graphs included. Types are to be inferred anew afterwards. How many.
Result<int> GivePlugins(Graph& graph);

// An error that lists the nodes that still wait for a plugin, with what it must claim; Ok where there is
// none.
Status CheckNoneWaits(const Graph& graph);
// The nodes, "com.acme.Foo 'foo'", for notes; sub-graphs included.
std::vector<std::string> WaitingNodes(const Graph& graph);

}  // namespace slipway
