#include "formats/tensorflow/tfjs.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
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
  SLIPWAY_ASSIGN_OR_RETURN(auto weights, ReadTfjsWeights(*manifest, read_shard));
  for (TfNode& node : graph.nodes) {
    if (node.op != "Const") continue;
    const auto found = weights.find(node.name);
    if (found == weights.end()) return Broken("constant '" + node.name + "' is not among the weights");
    node.attrs.Set("value", found->second);
  }
  return graph;
}

Result<TfGraph> ReadTfjsModel(const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return ParseTfjsModel(text, ShardsBeside(path));
}

bool LooksLikeTfjs(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (start == std::string_view::npos || text[start] != '{') return false;
  return text.substr(0, size_t{64} << 20).find("\"modelTopology\"") != std::string_view::npos;
}

}  // namespace slipway::tensorflow
