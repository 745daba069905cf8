// Values that several calls of one layer made bear the layer's name: graphs want every name once.
#pragma once

#include "ir/graph.h"

namespace slipway::keras {

// Inputs and outputs keep their names; of the others the second "a" becomes "a~2". Sub-graphs are left alone.
void MakeNamesUnique(Graph& graph);

}  // namespace slipway::keras
