// From a TensorFlow graph to ours.
#pragma once

#include "formats/model.h"
#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// Imports what the outputs need. Outputs: the options', else every node that nobody reads. A preprocessing
// loop of the Object Detection API becomes the manifest's resize and normalisation. All unsupported nodes
// come in one error.
Result<ImportedModel> ImportGraph(const TfGraph& graph, const ImportOptions& options);

}  // namespace slipway::tensorflow

namespace slipway {

Result<ImportedModel> ImportGraphDef(const ModelFile& file, const ImportOptions& options);
Result<ImportedModel> ImportTfjs(const ModelFile& file, const ImportOptions& options);

}  // namespace slipway
