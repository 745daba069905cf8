// A Keras model, as TensorFlow.js layers models hold it, to a graph of Slipway's own operators.
#pragma once

#include "formats/keras/net.h"
#include "formats/model.h"
#include "formats/tfjs_weights.h"

namespace slipway::keras {

// `model_json`: the text of model.json. Values are named by their layers ("dense", "dense/1" of its second
// call, "lstm:1" a layer's second output; "inner/dense" in a model inside). The axis of the batch is the
// symbol "batch" where the model leaves it open. Errors: kUnsupported lists every layer that cannot be read;
// kUsage: cuts that name no layer, an input whose shape the user must give; kInvalidModel: all else, by the
// name of layer and weight.
Result<ImportedModel> ImportModelJson(std::string_view model_json, const ShardReader& read_shard,
                                      const ImportOptions& options);

}  // namespace slipway::keras

namespace slipway {

// The shards lie beside `file`.
Result<ImportedModel> ImportTfjsLayers(const ModelFile& file, const ImportOptions& options);

}  // namespace slipway
