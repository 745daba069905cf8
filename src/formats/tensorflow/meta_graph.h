// Decodes saved_model.pb: its meta graphs with their signatures.
//
// Source: tensorflow/core/protobuf/{saved_model,meta_graph,saver,saved_object_graph}.proto.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/tensorflow/graph_def.h"
#include "ir/graph.h"

namespace slipway::tensorflow {

// An input or output of a signature.
struct SignaturePort {
  std::string name;    // "input_1"
  std::string tensor;  // "serving_default_input_1:0"; empty: spread over several tensors (sparse, ragged)
  Type type;
};

struct Signature {
  std::string name;
  std::vector<SignaturePort> inputs;  // sorted by name, as are the outputs: files list them in any order
  std::vector<SignaturePort> outputs;
};

struct MetaGraph {
  std::vector<std::string> tags;
  std::span<const uint8_t> graph_def;
  std::span<const uint8_t> op_list;           // OpDefs of the operators used
  std::vector<Signature> signatures;          // sorted by name
  std::string restore_op;                     // node that reads the checkpoint; empty: none
  std::vector<std::string> init_ops;          // nodes to run once, before serving
  std::map<std::string, std::string> assets;  // tensors that hold file names, "node:k", to files in assets/
};

// The bytes must outlive the result. Errors: kInvalidModel.
Result<std::vector<MetaGraph>> DecodeSavedModel(std::span<const uint8_t> bytes);

// The meta graph for inference: tagged "serve", or the only one. Error (kUnsupported): several, none of them
// tagged so.
Result<const MetaGraph*> ChooseMetaGraph(const std::vector<MetaGraph>& graphs);

// The signature called `name`; where that is empty, "serving_default", or the only one; null when there is
// none. Errors (kUsage) list those that there are.
Result<const Signature*> ChooseSignature(const MetaGraph& graph, const std::string& name);

}  // namespace slipway::tensorflow
