// The verifier: is this graph one that inference and the runtime may trust?
#pragma once

#include "ir/graph.h"

namespace slipway {

// Value ids in range; one producer each; nodes after what they read; names present and unique; operators
// known; attributes as their records want them; quantisation complete; constants of the size their type says;
// sub-graphs likewise, with as many inputs as their node gives them where the record says how many. Then
// infers every type afresh and compares: a declared shape that contradicts the inferred one is an error.
// Changes nothing but types, which become the inferred ones, and attributes left out, which get the records'
// defaults. Errors name the node or value.
Status VerifyGraph(Graph& graph);

}  // namespace slipway
