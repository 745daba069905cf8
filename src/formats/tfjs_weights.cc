#include "formats/tfjs_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/pages.h"
#include "base/scalar.h"

namespace slipway {
namespace {

using Json = nlohmann::json;

Status Broken(const std::string& message) { return Status(Code::kInvalidModel, "model.json: " + message); }

const Json* Member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

struct Weight {
  std::string name;
  DType dtype = DType::kNone;   // of the tensor
  DType stored = DType::kNone;  // in the shard
  Dims dims;
  double scale = 1;  // quantised: value = stored * scale + min
  double min = 0;
};

DType WeightType(const std::string& name) {
  if (name == "float32") return DType::kF32;
  if (name == "float16") return DType::kF16;
  if (name == "int32") return DType::kI32;
  if (name == "int64") return DType::kI64;
  if (name == "bool") return DType::kBool;
  if (name == "uint8") return DType::kU8;
  if (name == "uint16") return DType::kU16;
  if (name == "string") return DType::kString;
  if (name == "complex64") return DType::kC64;
  return DType::kNone;
}

Result<Weight> ToWeight(const Json& json) {
  Weight weight;
  const Json* name = Member(json, "name");
  const Json* dtype = Member(json, "dtype");
  const Json* shape = Member(json, "shape");
  if (!name || !dtype || !shape || !name->is_string() || !dtype->is_string() || !shape->is_array()) {
    return Broken("a weight lacks name, dtype or shape");
  }
  weight.name = name->get<std::string>();
  weight.dtype = WeightType(dtype->get<std::string>());
  weight.stored = weight.dtype;
  for (const Json& extent : *shape) {
    if (!extent.is_number_integer())
      return Broken("weight '" + weight.name + "' has the extent " + extent.dump() + " in its shape");
    weight.dims.push_back(extent.get<int64_t>());
  }
  if (weight.dtype == DType::kNone) {
    return Broken("weight '" + weight.name + "' has the unknown dtype '" + dtype->get<std::string>() + "'");
  }
  if (const Json* quantization = Member(json, "quantization")) {
    const Json* stored = Member(*quantization, "dtype");
    if (stored && stored->is_string()) weight.stored = WeightType(stored->get<std::string>());
    const bool is_known =
        weight.stored == DType::kU8 || weight.stored == DType::kU16 || weight.stored == DType::kF16;
    const bool is_number = weight.dtype == DType::kF32 || weight.dtype == DType::kI32;
    if (!is_known || !is_number) {
      return Broken("weight '" + weight.name + "' of dtype " + std::string(DTypeName(weight.dtype)) +
                    " has a quantization that is not uint8, uint16 or float16 of float32 or int32");
    }
    if (const Json* scale = Member(*quantization, "scale"); scale && scale->is_number())
      weight.scale = scale->get<double>();
    if (const Json* min = Member(*quantization, "min"); min && min->is_number())
      weight.min = min->get<double>();
  }
  return weight;
}

Result<Tensor> TakeStrings(const Weight& weight, int64_t count, std::string_view data, size_t* at) {
  Tensor tensor(DType::kString, weight.dims);
  for (int64_t i = 0; i < count; ++i) {
    uint32_t length = 0;
    if (data.size() - *at < sizeof(length))
      return Broken("weight '" + weight.name + "' runs past the shards");
    std::memcpy(&length, data.data() + *at, sizeof(length));
    *at += sizeof(length);
    if (data.size() - *at < length) return Broken("weight '" + weight.name + "' runs past the shards");
    tensor.as<std::string>()[i] = std::string(data.substr(*at, length));
    *at += length;
  }
  return tensor;
}

// Large enough to lie where it is: a small one would hold the shards alive for little.
bool MayAlias(const Weight& weight, const char* bytes, uint64_t size) {
  constexpr uint64_t kMinAliasedBytes = 4096;
  const auto unit = static_cast<uint64_t>(BytesOf(weight.dtype, 1));
  return weight.stored == weight.dtype && weight.dtype != DType::kBool && size >= kMinAliasedBytes &&
         reinterpret_cast<uintptr_t>(bytes) % unit == 0;
}

Result<Tensor> TakeWeight(const Weight& weight, const HeldBytes& shards, size_t* at) {
  const std::string_view data(reinterpret_cast<const char*>(shards.bytes.data()), shards.bytes.size());
  SLIPWAY_ASSIGN_OR_RETURN(int64_t count, ElementCount(weight.dims));
  const uint64_t left = data.size() - *at;
  const auto needed = weight.stored == DType::kString ? static_cast<uint64_t>(count) * 4
                                                      : static_cast<uint64_t>(BytesOf(weight.stored, count));
  if (needed > left) {
    return Broken("weight '" + weight.name + "' " + ToString(weight.dims) + " needs " +
                  std::to_string(needed) + " bytes, its shards have " + std::to_string(left) + " left")
        .WithHint("a shard is truncated or missing: download the model again");
  }
  if (weight.dtype == DType::kString) return TakeStrings(weight, count, data, at);
  const char* bytes = data.data() + *at;
  *at += needed;
  if (MayAlias(weight, bytes, needed))
    return Tensor(weight.dtype, weight.dims, const_cast<char*>(bytes), shards.owner);
  // Copied first: in a shard, weights of two bytes may lie at odd places.
  Tensor stored(weight.stored, weight.dims);
  if (needed > 0) std::memcpy(stored.data(), bytes, needed);
  OfferPages(bytes, needed);
  if (weight.stored == weight.dtype) return stored;
  Tensor tensor(weight.dtype, weight.dims);
  for (int64_t i = 0; i < count; ++i) {
    const double level = LoadReal(weight.stored, stored.data(), i);
    const double value = weight.stored == DType::kF16 ? level : level * weight.scale + weight.min;
    StoreReal(weight.dtype, tensor.data(), i, weight.dtype == DType::kI32 ? std::floor(value + 0.5) : value);
  }
  return tensor;
}

// Inside the model's folder: relative, without "..".
bool IsSafePath(const std::string& path) {
  if (path.empty() || path[0] == '/' || path.find('\\') != std::string::npos) return false;
  size_t at = 0;
  while (at <= path.size()) {
    const size_t slash = std::min(path.find('/', at), path.size());
    if (path.substr(at, slash - at) == "..") return false;
    at = slash + 1;
  }
  return true;
}

}  // namespace

Result<TfjsWeights> ReadTfjsWeights(const Json& manifest, const ShardReader& read_shards) {
  TfjsWeights weights;
  if (!manifest.is_array()) return Broken("weightsManifest is not a list");
  for (const Json& group : manifest) {
    const Json* paths = Member(group, "paths");
    const Json* entries = Member(group, "weights");
    if (!paths || !entries || !paths->is_array() || !entries->is_array())
      return Broken("a weight group lacks paths or weights");
    std::vector<std::string> shards;
    for (const Json& path : *paths) {
      if (!path.is_string() || !IsSafePath(path.get<std::string>()))
        return Broken("shard path " + path.dump() + " leaves the model's folder");
      shards.push_back(path.get<std::string>());
    }
    SLIPWAY_ASSIGN_OR_RETURN(const HeldBytes data, read_shards(shards));
    size_t at = 0;
    for (const Json& entry : *entries) {
      SLIPWAY_ASSIGN_OR_RETURN(Weight weight, ToWeight(entry));
      SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, TakeWeight(weight, data, &at));
      if (!weights.emplace(weight.name, std::move(tensor)).second)
        return Broken("weight '" + weight.name + "' is listed twice");
    }
    if (at != data.bytes.size()) {
      return Broken("the shards of " + paths->dump() + " have " + std::to_string(data.bytes.size()) +
                    " bytes, their weights " + std::to_string(at))
          .WithHint("a shard of another model lies in the folder: download the model again");
    }
  }
  return weights;
}

ShardReader ShardsBeside(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  return [folder](const std::vector<std::string>& relative) -> Result<HeldBytes> {
    std::vector<std::string> paths;
    for (const std::string& each : relative) paths.push_back(folder + "/" + each);
    auto shards = JoinFiles(paths);
    if (!shards.ok())
      return shards.status().WithHint("every shard listed in model.json must stand beside it");
    return shards;
  };
}

ShardReader ShardsOf(std::function<Result<std::string>(const std::string& relative_path)> read_one) {
  return [read_one](const std::vector<std::string>& relative) -> Result<HeldBytes> {
    std::string joined;
    for (const std::string& each : relative) {
      SLIPWAY_ASSIGN_OR_RETURN(const std::string shard, read_one(each));
      joined += shard;
    }
    return Hold(std::move(joined));
  };
}

}  // namespace slipway
