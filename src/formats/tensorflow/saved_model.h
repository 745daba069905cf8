// A SavedModel: graph, signatures and variables of a TensorFlow model, versions 1 and 2.
#pragma once

#include <functional>

#include "formats/model.h"
#include "formats/tensorflow/checkpoint/checkpoint.h"

namespace slipway::tensorflow {

// The content of a file in the model's folder "assets".
using ReadAssetFn = std::function<Result<std::string>(const std::string& name)>;

// Imports the signature that the options name. `checkpoint`: null when the model has no variables;
// `read_asset`: null when it has no assets.
Result<ImportedModel> ImportSavedModel(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner,
                                       const Checkpoint* checkpoint, const ImportOptions& options,
                                       const ReadAssetFn& read_asset = nullptr);

}  // namespace slipway::tensorflow
