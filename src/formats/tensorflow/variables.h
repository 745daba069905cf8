// Variables of a SavedModel's graph, read from its checkpoint and put in as constants.
//
// Which tensor a variable is read from stands in the graph itself: its restore operator assigns results of
// RestoreV2, named by constants, to variables. Where a graph has none, a variable is looked up by its name,
// in the checkpoint's own graph of objects (TF2) or among its keys (TF1). The handle of a variable becomes
// its value, so ReadVariableOp is the value itself, in functions too.
#pragma once

#include "formats/tensorflow/checkpoint/checkpoint.h"
#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// Replaces the variables of `graph` (calls inlined; only the nodes to import) by constants. `whole`: the
// graph with its restore operator `restore_op`, empty when there is none. `checkpoint`: null when the model
// has none. Errors: kInvalidModel, and what the checkpoint says; a variable that is nowhere is named.
Status SubstituteVariables(TfGraph& graph, const TfGraph& whole, const std::string& restore_op,
                           const Checkpoint* checkpoint);

}  // namespace slipway::tensorflow
