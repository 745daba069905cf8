// TensorFlow 1's control flow, raised from switches and merges of a data-flow graph to While and If.
//
// before: Enter(x) -> Merge(Enter, NextIteration) -> LoopCond, Switch(Merge, LoopCond) -> body ->
//         NextIteration; Exit(Switch:0)
// after:  While[cond=F, body=G](x, invariants), and functions F and G in the library
// before: Merge(f(Switch(x, p):0), g(Switch(x, p):1))
// after:  If[then_branch=G, else_branch=F](p, x)
// Case, TensorFlow 2's, becomes Ifs at the same time (raise_cases.cc).
// Loops are raised innermost first, then what is left in the graph and in each body. What does not have this
// form stays as it is, and is refused node by node when it is imported.
// Source: the white paper's dynamic control flow, tensorflow/core/ops/control_flow_ops.cc.
#pragma once

#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// REQUIRES: calls are inlined. Errors (kInvalidModel): as Index.
Result<TfGraph> RaiseControlFlow(const TfGraph& graph);

}  // namespace slipway::tensorflow
