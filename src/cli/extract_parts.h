// What `slipway extract` works with: the values that flow into a node when the model runs, and the folder
// that is written.
#pragma once

#include <optional>

#include "cli/model_flags.h"

namespace slipway::cli {

struct ExtractFlags {
  ModelFlags model;
  std::string node;
  std::vector<std::string> data;  // arrays as `slipway run` takes them, or one photo
  std::string out;                // the folder to write
  uint64_t seed = 1;
};

// Values of the model when it runs on the flags' data; none for those that cannot be computed, because
// something that Slipway cannot read stands before them, or the source has no name for them (a note says so).
Result<std::vector<std::optional<Tensor>>> ValuesOf(const ExtractFlags& flags,
                                                    const std::vector<std::string>& names);

// The tensors that the flags' data give to the engine's inputs, random ones where they give none.
Result<std::vector<Tensor>> FeedsOf(const ExtractFlags& flags, const LoadedModel& loaded,
                                    const std::shared_ptr<const Engine>& engine);

struct NamedTensor {
  std::string name;
  std::optional<Tensor> tensor;  // none: not known
};

struct Extract {
  std::string file_name;  // of the model: "model.onnx", "model.txt", "node.json"
  std::string content;
  std::vector<NamedTensor> inputs;
  std::vector<NamedTensor> outputs;
};

// Beside an ONNX model input_<i>.pb and output_<i>.pb in test_data_set_0/, the layout of ONNX's own test
// data; beside others inputs.npz and outputs.npz. Creates the folder.
Status WriteExtract(const std::string& folder, const Extract& extract);

// Around a node of a graph of Slipway's own, or the nodes that stand for a node of the source.
Result<Extract> ExtractFromGraph(const ExtractFlags& flags);

}  // namespace slipway::cli
