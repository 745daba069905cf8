#include "formats/tensorflow/tfjs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/scalar.h"
#include "formats/tensorflow/graph_def.h"

namespace slipway::tensorflow {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxJsonBytes = size_t{256} << 20;

Status Broken(const std::string& message) { return Status(Code::kInvalidModel, "model.json: " + message); }

std::string DecodeBase64(std::string_view text) {
  static const auto kValues = [] {
    std::array<int8_t, 256> values;
    values.fill(-1);
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < kAlphabet.size(); ++i)
      values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int8_t>(i);
    values['-'] = 62;  // the URL-safe alphabet
    values['_'] = 63;
    return values;
  }();
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    const int value = kValues[static_cast<uint8_t>(c)];
    if (value < 0) continue;  // padding and line ends
    bits = (bits << 6) | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>((bits >> count) & 0xff);
  }
  return bytes;
}

// bytes: an array of character codes (old) or base64 (new).
std::string ToBytes(const Json& value) {
  if (value.is_string()) return DecodeBase64(value.get_ref<const std::string&>());
  std::string bytes;
  if (!value.is_array()) return bytes;
  for (const Json& code : value) {
    if (code.is_number_integer()) bytes += static_cast<char>(code.get<int64_t>() & 0xff);
  }
  return bytes;
}

// int64 is a number or a decimal string.
int64_t ToInt(const Json& value) {
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number_float()) {
    const double real = value.get<double>();
    return real > -9e18 && real < 9e18 ? static_cast<int64_t>(real) : 0;
  }
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  int64_t number = 0;
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

float ToFloat(const Json& value) {
  if (value.is_number()) return value.get<float>();
  if (!value.is_string()) return 0;
  const std::string& text = value.get_ref<const std::string&>();  // "NaN", "Infinity", "-Infinity"
  return std::strtof(text.c_str(), nullptr);
}

DType ToDType(const Json& value) {
  if (value.is_string()) return DTypeFromTfName(value.get_ref<const std::string&>());
  return DTypeFromTf(ToInt(value));
}

const Json* Member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

// nullopt: unknown rank.
std::optional<Ints> ToShape(const Json& shape) {
  if (const Json* unknown = Member(shape, "unknownRank"); unknown && ToInt(*unknown) != 0)
    return std::nullopt;
  Ints dims;
  const Json* list = Member(shape, "dim");
  if (list == nullptr || !list->is_array()) return dims;
  for (const Json& dim : *list) {
    const Json* size = Member(dim, "size");
    dims.push_back(size ? ToInt(*size) : 0);
  }
  return dims;
}

template <class T, class F>
std::vector<T> ToList(const Json& array, F convert) {
  std::vector<T> values;
  if (!array.is_array()) return values;
  for (const Json& each : array) values.push_back(convert(each));
  return values;
}

// The member of a `list` that is not empty; an empty list of integers otherwise.
Attr ToListAttr(const Json& list) {
  const auto has = [&](const char* name) {
    const Json* member = Member(list, name);
    return member && member->is_array() && !member->empty() ? member : nullptr;
  };
  if (const Json* member = has("s")) return ToList<std::string>(*member, ToBytes);
  if (const Json* member = has("i")) return ToList<int64_t>(*member, ToInt);
  if (const Json* member = has("f")) return ToList<float>(*member, ToFloat);
  if (const Json* member = has("b")) return ToList<int64_t>(*member, ToInt);
  if (const Json* member = has("type")) {
    return ToList<int64_t>(*member, [](const Json& type) { return static_cast<int64_t>(ToDType(type)); });
  }
  return Ints{};
}

void AddAttr(const std::string& name, const Json& value, Attrs& attrs) {
  if (const Json* s = Member(value, "s")) {
    attrs.Set(name, ToBytes(*s));
  } else if (const Json* i = Member(value, "i")) {
    attrs.Set(name, ToInt(*i));
  } else if (const Json* f = Member(value, "f")) {
    attrs.Set(name, ToFloat(*f));
  } else if (const Json* b = Member(value, "b")) {
    attrs.Set(name, ToInt(*b));
  } else if (const Json* type = Member(value, "type")) {
    attrs.Set(name, ToDType(*type));
  } else if (const Json* shape = Member(value, "shape")) {
    if (auto dims = ToShape(*shape)) attrs.Set(name, std::move(*dims));
  } else if (const Json* list = Member(value, "list")) {
    attrs.Set(name, ToListAttr(*list));
  } else if (const Json* function = Member(value, "func")) {
    if (const Json* called = Member(*function, "name"); called && called->is_string())
      attrs.Set(name, called->get<std::string>());
  }
}

Result<TfNode> ToNode(const Json& json) {
  TfNode node;
  const Json* name = Member(json, "name");
  const Json* op = Member(json, "op");
  if (!name || !op || !name->is_string() || !op->is_string()) return Broken("a node has no name or op");
  node.name = name->get<std::string>();
  node.op = op->get<std::string>();
  if (const Json* inputs = Member(json, "input"); inputs && inputs->is_array()) {
    for (const Json& input : *inputs) {
      if (!input.is_string()) return Broken("node '" + node.name + "': an input is not a string");
      node.inputs.push_back(input.get<std::string>());
    }
  }
  if (const Json* attrs = Member(json, "attr"); attrs && attrs->is_object()) {
    for (const auto& [key, value] : attrs->items()) AddAttr(key, value, node.attrs);
  }
  return node;
}

// --- Weights ---

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
  weight.dims = ToList<int64_t>(*shape, ToInt);
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

Result<Tensor> TakeWeight(const Weight& weight, std::string_view data, size_t* at) {
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
  // Copied first: in a shard, weights of two bytes may lie at odd places.
  Tensor stored(weight.stored, weight.dims);
  if (needed > 0) std::memcpy(stored.data(), bytes, needed);
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

Result<std::map<std::string, Tensor>> ReadWeights(const Json& manifest, const ShardReader& read_shard) {
  std::map<std::string, Tensor> weights;
  if (!manifest.is_array()) return Broken("weightsManifest is not a list");
  for (const Json& group : manifest) {
    std::string data;
    const Json* paths = Member(group, "paths");
    const Json* entries = Member(group, "weights");
    if (!paths || !entries || !paths->is_array() || !entries->is_array())
      return Broken("a weight group lacks paths or weights");
    for (const Json& path : *paths) {
      if (!path.is_string() || !IsSafePath(path.get<std::string>()))
        return Broken("shard path " + path.dump() + " leaves the model's folder");
      SLIPWAY_ASSIGN_OR_RETURN(std::string shard, read_shard(path.get<std::string>()));
      data += shard;
    }
    size_t at = 0;
    for (const Json& entry : *entries) {
      SLIPWAY_ASSIGN_OR_RETURN(Weight weight, ToWeight(entry));
      SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, TakeWeight(weight, data, &at));
      if (!weights.emplace(weight.name, std::move(tensor)).second)
        return Broken("weight '" + weight.name + "' is listed twice");
    }
    if (at != data.size()) {
      return Broken("the shards of " + paths->dump() + " have " + std::to_string(data.size()) +
                    " bytes, their weights " + std::to_string(at))
          .WithHint("a shard of another model lies in the folder: download the model again");
    }
  }
  return weights;
}

}  // namespace

Result<TfGraph> ParseTfjsModel(std::string_view text, const ShardReader& read_shard) {
  if (text.size() > kMaxJsonBytes) return Broken("larger than 256 MB");
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded())
    return Broken("not valid JSON").WithHint("the file is truncated or not a TF.js model");
  const Json* topology = Member(json, "modelTopology");
  if (topology == nullptr)
    return Broken("has no modelTopology").WithHint("give the model.json of a TF.js graph model");
  if (Member(*topology, "model_config") != nullptr || Member(*topology, "keras_version") != nullptr) {
    return Status(Code::kUnsupported, "model.json: a TF.js layers model (Keras); graph models are read",
                  "convert it with tensorflowjs_converter --output_format=tfjs_graph_model");
  }
  const Json* nodes = Member(*topology, "node");
  if (nodes == nullptr || !nodes->is_array()) return Broken("modelTopology has no list of nodes");
  TfGraph graph;
  if (const Json* versions = Member(*topology, "versions")) {
    if (const Json* producer = Member(*versions, "producer")) graph.version = ToInt(*producer);
  }
  for (const Json& each : *nodes) {
    SLIPWAY_ASSIGN_OR_RETURN(TfNode node, ToNode(each));
    graph.nodes.push_back(std::move(node));
  }
  SLIPWAY_RETURN_IF_ERROR(graph.Index());
  const Json* manifest = Member(json, "weightsManifest");
  if (manifest == nullptr) return Broken("has no weightsManifest");
  SLIPWAY_ASSIGN_OR_RETURN(auto weights, ReadWeights(*manifest, read_shard));
  for (TfNode& node : graph.nodes) {
    if (node.op != "Const") continue;
    const auto found = weights.find(node.name);
    if (found == weights.end()) return Broken("constant '" + node.name + "' is not among the weights");
    node.attrs.Set("value", found->second);
  }
  return graph;
}

Result<TfGraph> ReadTfjsModel(const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  return ParseTfjsModel(text, [&](const std::string& relative) -> Result<std::string> {
    auto shard = ReadFile(folder + "/" + relative);
    if (!shard.ok()) return shard.status().WithHint("every shard listed in model.json must stand beside it");
    return shard;
  });
}

bool LooksLikeTfjs(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (start == std::string_view::npos || text[start] != '{') return false;
  return text.substr(0, size_t{64} << 20).find("\"modelTopology\"") != std::string_view::npos;
}

}  // namespace slipway::tensorflow
