// For every node of a graph the ONNX node that means exactly the same.
//
// Nothing is restated here: a candidate, the ONNX operator of the record's own name with the node's own
// attributes, is handed to the importer's row, and it is a twin only if that gives the node back.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "slipway/status.h"

namespace slipway::onnx {

struct Twin {
  std::string op;
  std::string domain;  // "" is ai.onnx
  Attrs attrs;         // those that have to be written; element types as ONNX's numbers
  // Inputs of the ONNX node. Those behind are what its sub-graphs capture, and their last inputs.
  size_t num_formals = 0;
  std::map<std::string, std::vector<Twin>> bodies;  // of each sub-graph in attrs: twins of its nodes
};

struct Twins {
  int64_t opset = 0;                       // of ai.onnx
  std::map<std::string, int64_t> domains;  // the others that are used, with their versions
  std::vector<Twin> nodes;                 // one per node of the graph
};

// The lowest opset from `first_opset` on at which every operator exists is taken. Errors (kUnsupported) name
// the first node without a twin, say why, and count the others.
// REQUIRES: the graph is verified.
Result<Twins> FindTwins(const Graph& graph, int64_t first_opset);

}  // namespace slipway::onnx
