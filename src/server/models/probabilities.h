// Are a classifier's scores probabilities? Only then may they be shown as such.
#pragma once

#include "ir/graph.h"
#include "manifest/manifest.h"

namespace slipway::server {

// True where the manifest applies a softmax or sigmoid, or the network's scores come out of one, perhaps
// reshaped or quantised.
bool GivesProbabilities(const Graph& graph, const Manifest& manifest);

}  // namespace slipway::server
