// What a pass is: a function that rewrites a graph and says whether it changed anything.
#pragma once

#include "ir/graph.h"
#include "slipway/status.h"

namespace slipway {

// REQUIRES: a verified graph. May leave dead nodes and unsorted values behind: the pipeline cleans up.
using PassFn = Result<bool> (*)(Graph& graph);

Result<bool> FoldConstants(Graph& graph);
Result<bool> EliminateNoOps(Graph& graph);
Result<bool> EliminateDead(Graph& graph);
Result<bool> FoldBatchNorm(Graph& graph);
Result<bool> FuseConvBias(Graph& graph);
Result<bool> FuseSilu(Graph& graph);
Result<bool> FuseActivation(Graph& graph);

}  // namespace slipway
