// TF.js graph models: model.json and its weight shards.
//
// Source: the tfjs-converter's format. Two JSON encodings of the GraphDef are read: protobuf's own (base64
// bytes, enum names) and an older one (bytes as arrays of character codes, an empty bytes scalar as [], enums
// as numbers, every member of a `list` present though empty). Layers models are
// read by ../keras.
#pragma once

#include <string>
#include <string_view>

#include "formats/tensorflow/tf_graph.h"
#include "formats/tfjs_weights.h"

namespace slipway::tensorflow {

// Const nodes get their tensors from the shards. Errors name the weight or shard.
Result<TfGraph> ParseTfjsModel(std::string_view json, const ShardReader& read_shard);
// Reads the shards from the folder of model.json.
Result<TfGraph> ReadTfjsModel(const std::string& path);
// Does this text look like a TF.js model.json (graph or layers)?
bool LooksLikeTfjs(std::string_view text);

}  // namespace slipway::tensorflow
