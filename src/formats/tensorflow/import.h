// From a TensorFlow graph to ours.
#pragma once

#include "formats/model.h"
#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// Where a model says itself what goes in and comes out, under names of its own.
struct GraphPorts {
  struct Port {
    std::string name;
    std::string tensor;  // "node:k"
    Type type;           // of inputs; unknown where the model leaves it open
  };
  std::vector<Port> inputs;
  std::vector<Port> outputs;
};

// Imports what the outputs need. Outputs: the options', else those of `ports`, else every node that nobody
// reads; options may name ports too. A preprocessing
// loop of the Object Detection API becomes the manifest's resize and normalisation. All unsupported nodes
// come in one error.
Result<ImportedModel> ImportGraph(const TfGraph& graph, const ImportOptions& options,
                                  const GraphPorts& ports = {});

}  // namespace slipway::tensorflow

namespace slipway {

Result<ImportedModel> ImportGraphDef(const ModelFile& file, const ImportOptions& options);
Result<ImportedModel> ImportGraphDefText(const ModelFile& file, const ImportOptions& options);
Result<ImportedModel> ImportSavedModel(const ModelFile& file, const ImportOptions& options);
Result<ImportedModel> ImportTfjs(const ModelFile& file, const ImportOptions& options);

}  // namespace slipway
