// Graphs without calls: the bodies of called functions stand in the caller's place.
//
// before: y = StatefulPartitionedCall[f=block](x)    block(a) = Identity(Relu(a))
// after:  y/... = Relu(x); y/... = Identity(...); y = IdentityN(y/...)
// Loops and conditionals stay nodes that name functions. Nodes of a body are named "<call>/<node>".
#pragma once

#include <string>
#include <vector>

#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// The nodes that `roots` ("node" or "node:k") need. Names that the graph lacks are passed over.
TfGraph NodesBehind(const TfGraph& graph, const std::vector<std::string>& roots);
// The same, control edges included: all that runs before the `roots` are done.
TfGraph NodesAwaited(const TfGraph& graph, const std::vector<std::string>& roots);

// Every call replaced, those within bodies too. Errors (kInvalidModel): a function that calls itself or is
// broken, a call with too few operands, bodies that grow beyond any model.
Result<TfGraph> InlineCalls(const TfGraph& graph);
// A function's body as a graph of its own, calls inlined.
Result<TfGraph> InlineBody(const TfGraph& graph, const TfFunction& function);

}  // namespace slipway::tensorflow
