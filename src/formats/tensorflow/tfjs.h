// TF.js graph models: model.json and its weight shards.
//
// Source: the tfjs-converter's format. Two JSON encodings of the GraphDef are read: protobuf's own (base64
// bytes, enum names) and an older one (bytes as arrays of character codes, an empty bytes scalar as [], enums
// as numbers, every member of a `list` present though empty). Layers models (Keras) are refused: a later
// format.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// Gives the content of a shard by the path written in model.json (already checked to stay in the folder).
using ShardReader = std::function<Result<std::string>(const std::string& relative_path)>;

// Const nodes get their tensors from the shards. Errors name the weight or shard.
Result<TfGraph> ParseTfjsModel(std::string_view json, const ShardReader& read_shard);
// Reads the shards from the folder of model.json.
Result<TfGraph> ReadTfjsModel(const std::string& path);
// Does this text look like a TF.js model.json (graph or layers)?
bool LooksLikeTfjs(std::string_view text);

}  // namespace slipway::tensorflow
