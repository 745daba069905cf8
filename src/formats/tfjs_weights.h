// The weights of a TensorFlow.js model, graph or layers: shards of raw little-endian numbers, and the
// weightsManifest of model.json that says what lies in them. Source: the tfjs-converter's format
// (io/types.ts: WeightsManifestConfig).
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/joined_files.h"
#include "slipway/tensor.h"

namespace slipway {

// Gives the shards of a group, joined, by the paths written in model.json (already checked to stay in the
// folder).
using ShardReader = std::function<Result<HeldBytes>(const std::vector<std::string>& relative_paths)>;
// Shards in the folder of the model.json at `path`.
ShardReader ShardsBeside(const std::string& path);
// Shards that `read_one` gives one by one.
ShardReader ShardsOf(std::function<Result<std::string>(const std::string& relative_path)> read_one);

using TfjsWeights = std::map<std::string, Tensor>;  // by name

// Plain weights look at the shards where these let them, and hold them alive. Quantised weights (uint8,
// uint16, float16) come as the floats or integers that they stand for. Errors (kInvalidModel, and those of
// `read_shard`) name the weight or the shard: a shard that is too short or too long, a shape, dtype or
// quantization that makes no sense.
Result<TfjsWeights> ReadTfjsWeights(const nlohmann::json& manifest, const ShardReader& read_shards);

}  // namespace slipway
