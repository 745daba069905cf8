// The order in which a graph's nodes can be imported, and which of them its outputs need.
#pragma once

#include <set>
#include <string_view>
#include <vector>

#include "formats/onnx/proto.h"

namespace slipway::onnx {

// Everything a node reads: its inputs, and what its sub-graphs read from outside. No empty names, no
// duplicates.
std::vector<std::string_view> NamesRead(const NodeProto& node);

// Nodes that `outputs` need, each after what it reads (file order where that allows). Names in `given` are
// not looked for among the nodes' outputs. Errors (kInvalidModel): a name produced twice, except by
// Constants, of which the last counts; a cycle, named.
Result<std::vector<const NodeProto*>> OrderNodes(const std::vector<NodeProto>& nodes,
                                                 const std::vector<std::string_view>& outputs,
                                                 const std::set<std::string_view>& given);

// "Conv 'c1'", or "Conv that makes 'y'" for a node without a name.
std::string DescribeNode(const NodeProto& node);

}  // namespace slipway::onnx
