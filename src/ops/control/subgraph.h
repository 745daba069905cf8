// What operators with sub-graphs share.
//
// How captures travel: a sub-graph sees only its own inputs, so every outer value that one of a node's
// sub-graphs reads is an extra input of the node, behind the formal ones, and an extra input of *each* of its
// sub-graphs, behind their formal ones, in the same order.
#pragma once

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

// The declared type of output `i` of a sub-graph.
const Type& OutputType(const Graph& graph, size_t i);
// What both say: where they disagree, unknown.
Type CommonType(const Type& a, const Type& b);

// Output `i` of the node becomes the datum; tensors are copied, for they may live in memory that is used
// again.
void TakeOutput(const RunContext& context, size_t i, const Datum& datum);
// A datum whose tensors have storage of their own.
Datum OwnedCopy(const Datum& datum);

// One element, as bool; false when it has none.
bool IsTrue(const Datum& datum);

// Element i of tensors that are gathered along a new axis: equal shapes, which are checked.
Result<Tensor> StackTensors(const RunContext& context, const std::vector<Tensor>& parts, int64_t axis,
                            DType dtype, const Dims& dims_if_empty);

// The foreign node's inputs, then its captures.
std::vector<ValueId> InputsAndCaptures(const ImportContext& context);

}  // namespace slipway
