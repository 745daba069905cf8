// A SavedModel: graph, signatures and variables of a TensorFlow model, versions 1 and 2.
#pragma once

#include "formats/model.h"
#include "formats/tensorflow/checkpoint/checkpoint.h"

namespace slipway::tensorflow {

// Imports the signature that the options name. `checkpoint`: null when the model has no variables.
Result<ImportedModel> ImportSavedModel(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner,
                                       const Checkpoint* checkpoint, const ImportOptions& options);

}  // namespace slipway::tensorflow
