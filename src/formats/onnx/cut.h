// One node of an ONNX file cut out as it stands there: the same bytes, opsets, functions and initializers in
// a model of its own.
//
// Nodes of the main graph only: what sub-graphs and functions hold has no values outside a run of the node
// around.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model.h"

namespace slipway::onnx {

struct NodeCut {
  size_t index = 0;  // in the file's list of nodes
  std::string name;  // the node's own; its first output's where it has none
  std::string op;
  // Values that come from outside, in the order in which the node reads them, what its sub-graphs capture
  // included: inputs of the model and results of other nodes, but no initializers and Constant nodes.
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;  // those that are not left out
};

// `name`: of a node, or of one of its outputs. Errors: kNotFound, with the nearest name; kInvalidModel.
Result<NodeCut> CutNode(std::string_view model, const std::string& name);

// The bytes of a model with that node alone, and what is constant to it. `directory`: of external data, which
// goes into the model. inputs, outputs: one for each of the cut's, where they are known; they give the types.
// What is not known has the type that the file declares, if any.
// REQUIRES: `cut` is CutNode's for this model.
using KnownTensors = std::vector<std::optional<Tensor>>;
Result<std::string> FormatCut(const ModelFile& file, const NodeCut& cut, const KnownTensors& inputs,
                              const KnownTensors& outputs);

// A TensorProto: what ONNX's test data files (input_0.pb, output_0.pb) hold.
std::string FormatTensorProto(const std::string& name, const Tensor& tensor);

}  // namespace slipway::onnx
