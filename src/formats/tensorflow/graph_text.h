// A GraphDef in protobuf's text form (.pbtxt), written again in its binary form: what the fields mean is
// DecodeGraphDef's to know.
//
// Source: tensorflow/core/framework/{graph,function,op_def,node_def,attr_value,tensor}.proto. Fields that
// importing does not look at are left out, whatever they are called.
#pragma once

#include <string>
#include <string_view>

#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// Errors (kInvalidModel) name the line.
Result<std::string> EncodeGraphText(std::string_view text);

// An error where the graph reads nodes that it does not hold, as OpenCV's descriptions do.
Status CheckHoldsItsWeights(const TfGraph& graph);

}  // namespace slipway::tensorflow
