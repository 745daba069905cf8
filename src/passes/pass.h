// What a pass is: a function that rewrites a graph and says whether it changed anything.
#pragma once

#include "ir/graph.h"
#include "slipway/status.h"

namespace slipway {

// REQUIRES: a verified graph. May leave dead nodes and unsorted values behind: the pipeline cleans up.
using PassFn = Result<bool> (*)(Graph& graph);

// Result<bool> FuseSilu(Graph& graph), and so on: one PassFn for every line of passes.inc.
#define SLIPWAY_PASS(name, function) Result<bool> function(Graph& graph);
#define SLIPWAY_PASS_ON_DEMAND SLIPWAY_PASS
#include "passes/passes.inc"
#undef SLIPWAY_PASS_ON_DEMAND
#undef SLIPWAY_PASS

}  // namespace slipway
