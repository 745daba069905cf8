#include "formats/keras/net.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace slipway::keras {
namespace {

Status Broken(const std::string& message) { return Status(Code::kInvalidModel, "model.json: " + message); }

// "MaxPooling2D" -> "max_pooling2d": keras.src.utils.naming.to_snake_case.
std::string SnakeCase(const std::string& name) {
  const auto is_upper = [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; };
  const auto is_lower = [](char c) { return std::islower(static_cast<unsigned char>(c)) != 0; };
  std::string snake;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool begins_word = i > 0 && is_upper(name[i]) && i + 1 < name.size() && is_lower(name[i + 1]);
    const bool ends_word = i > 0 && is_upper(name[i]) && is_lower(name[i - 1]);
    if ((begins_word || ends_word) && name[i - 1] != '_') snake += '_';
    snake += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
  }
  return snake;
}

std::optional<int64_t> IndexOf(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto index = value.get<int64_t>();
  return index >= 0 ? std::optional(index) : std::nullopt;
}

// ["dense", 0, 0], also with a fourth member.
std::optional<TensorRef> ToRef(const Json& value) {
  if (!value.is_array() || value.size() < 3 || !value[0].is_string()) return std::nullopt;
  const auto call = IndexOf(value[1]), output = IndexOf(value[2]);
  if (!call || !output) return std::nullopt;
  return TensorRef{value[0].get<std::string>(), *call, *output};
}

// Keras 3: {"class_name": "__keras_tensor__", "config": {"keras_history": ["dense", 0, 0]}}.
std::optional<TensorRef> ToKerasTensor(const Json& value) {
  if (TextOf(value, "class_name") != "__keras_tensor__") return std::nullopt;
  const Json* config = Member(value, "config");
  const Json* history = config ? Member(*config, "keras_history") : nullptr;
  return history ? ToRef(*history) : std::nullopt;
}

constexpr int kMaxDepth = 16;

// Tensors anywhere in `value`, which may be lists and maps of them.
bool HoldsTensor(const Json& value, bool is_keras3, int depth = 0) {
  if (depth > kMaxDepth) return false;
  if (is_keras3 ? ToKerasTensor(value) : ToRef(value)) return true;
  if (!value.is_array() && !(value.is_object() && is_keras3)) return false;
  return std::any_of(value.begin(), value.end(),
                     [&](const Json& each) { return HoldsTensor(each, is_keras3, depth + 1); });
}

void Collect(const Json& value, bool is_keras3, Arguments& arguments, int depth = 0) {
  if (const auto ref = is_keras3 ? ToKerasTensor(value) : ToRef(value)) {
    arguments.push_back({*ref, nullptr});
  } else if ((value.is_array() || value.is_object()) && depth < kMaxDepth && HoldsTensor(value, is_keras3)) {
    for (const Json& each : value) Collect(each, is_keras3, arguments, depth + 1);
  } else {
    arguments.push_back({std::nullopt, value});
  }
}

void AddKeywords(const Json& keywords, bool is_keras3, Call& call) {
  if (!keywords.is_object()) return;
  for (const auto& [key, value] : keywords.items()) {
    if (HoldsTensor(value, is_keras3)) {
      Collect(value, is_keras3, call.named[key]);
    } else if (!value.is_null()) {
      call.options[key] = value;
    }
  }
}

// Keras 3.
Call ToCall3(const Json& node) {
  Call call;
  if (const Json* args = Member(node, "args"); args && args->is_array()) {
    for (const Json& each : *args) Collect(each, true, call.inputs);
  }
  if (const Json* keywords = Member(node, "kwargs")) AddKeywords(*keywords, true, call);
  return call;
}

// Keras 2: a list of tensors, the keyword arguments behind one of them; one tensor may stand without its
// list. Constants are ["_CONSTANT_VALUE", -1, value, keywords].
Call ToCall2(const Json& node) {
  Call call;
  const bool is_single = node.is_array() && !node.empty() && node[0].is_string();
  const Json list = is_single ? Json::array({node}) : node;
  for (const Json& each : list) {
    if (each.is_array() && each.size() > 2 && each[0] == "_CONSTANT_VALUE") {
      call.inputs.push_back({std::nullopt, each[2]});
    } else {
      Collect(each, false, call.inputs);
    }
    if (each.is_array() && each.size() > 3) AddKeywords(each[3], false, call);
  }
  return call;
}

Status ReadCalls(const Json& json, Layer& layer) {
  const Json* nodes = Member(json, "inbound_nodes");
  if (nodes == nullptr) return Status::Ok();
  if (!nodes->is_array()) return Broken("layer '" + layer.name + "': its inbound_nodes are no list");
  for (const Json& node : *nodes) layer.calls.push_back(node.is_object() ? ToCall3(node) : ToCall2(node));
  return Status::Ok();
}

Result<Layer> ToLayer(const Json& json) {
  Layer layer;
  layer.class_name = ClassOf(json);
  layer.config = ConfigOf(json);
  if (layer.class_name.empty() || layer.config == nullptr)
    return Broken("a layer has no class_name or config");
  layer.name = TextOf(json, "name");
  if (layer.name.empty()) layer.name = TextOf(*layer.config, "name");
  return layer;
}

// Names in weight files of Keras 3 count the classes of a model's layers.
void SetSavedKeys(Net& net) {
  std::map<std::string, int> used;
  for (Layer& layer : net.layers) {
    // The class's name in Python, which its registered one is not.
    const bool is_grouped = layer.class_name == "GroupQueryAttention";
    const std::string key = SnakeCase(is_grouped ? "GroupedQueryAttention" : layer.class_name);
    const int count = used[key]++;
    layer.saved_key = count == 0 ? key : key + "_" + std::to_string(count);
  }
}

// [["a", 0, 0], ...], one ["a", 0, 0], or a map of them.
Result<std::vector<TensorRef>> ToRefs(const Json& config, const char* name) {
  const Json* value = Member(config, name);
  Arguments arguments;
  if (value != nullptr && value->is_object()) {
    for (const Json& each : *value) Collect(each, false, arguments);
  } else if (value != nullptr) {
    Collect(*value, false, arguments);
  }
  std::vector<TensorRef> refs;
  for (const Argument& each : arguments) {
    if (!each.tensor) return Broken(std::string("an entry of ") + name + " names no tensor");
    refs.push_back(*each.tensor);
  }
  return refs;
}

// Who takes the results of a model's calls.
struct Readers {
  std::vector<TensorRef*> layers, outputs;
};

// By the name of the model.
std::map<std::string, Readers> ReadersOfModels(Net& net) {
  std::map<std::string, Readers> readers;
  for (Layer& layer : net.layers) {
    if (IsModel(layer.class_name)) readers[layer.name] = {};
  }
  const auto add_all = [&](Arguments& arguments) {
    for (Argument& each : arguments) {
      if (!each.tensor) continue;
      const auto found = readers.find(each.tensor->layer);
      if (found != readers.end()) found->second.layers.push_back(&*each.tensor);
    }
  };
  for (Layer& layer : net.layers) {
    for (Call& call : layer.calls) {
      add_all(call.inputs);
      for (auto& [name, arguments] : call.named) add_all(arguments);
    }
  }
  for (TensorRef& ref : net.outputs) {
    const auto found = readers.find(ref.layer);
    if (found != readers.end()) found->second.outputs.push_back(&ref);
  }
  return readers;
}

// Keras 2 counts a model's own making as its first call: others then say 1 for its call 0.
void CountCallsFromZero2(Net& net) {
  for (auto& [name, readers] : ReadersOfModels(net)) {
    std::vector<TensorRef*> refs = readers.layers;
    refs.insert(refs.end(), readers.outputs.begin(), readers.outputs.end());
    if (std::any_of(refs.begin(), refs.end(), [](const TensorRef* ref) { return ref->call == 0; })) continue;
    for (TensorRef* ref : refs) --ref->call;
  }
}

// Keras 3 counts it in the model's outputs, and not among what layers take; which calls are counted from 1
// differs with its version. A call that nobody needs is not saved: the way to count is the one by which every
// call has a reader.
void CountCallsFromZero3(Net& net) {
  struct Way {
    int64_t layers, outputs;  // the number of the first call
  };
  for (auto& [name, readers] : ReadersOfModels(net)) {
    const Layer* model = net.Find(name);
    if (model == nullptr) continue;
    const auto count = static_cast<int64_t>(model->calls.size());
    for (const Way& way : {Way{0, 1}, Way{0, 0}, Way{1, 1}}) {
      std::set<int64_t> calls;
      for (const TensorRef* ref : readers.layers) calls.insert(ref->call - way.layers);
      for (const TensorRef* ref : readers.outputs) calls.insert(ref->call - way.outputs);
      const bool fits = static_cast<int64_t>(calls.size()) == count && !calls.empty() &&
                        *calls.begin() == 0 && *calls.rbegin() == count - 1;
      if (!fits) continue;
      for (TensorRef* ref : readers.layers) ref->call -= way.layers;
      for (TensorRef* ref : readers.outputs) ref->call -= way.outputs;
      break;
    }
  }
}

Result<Net> ReadFunctional(const Json& config, const Json& layers) {
  Net net;
  bool is_keras2 = false;
  for (const Json& each : layers) {
    SLIPWAY_ASSIGN_OR_RETURN(Layer layer, ToLayer(each));
    SLIPWAY_RETURN_IF_ERROR(ReadCalls(each, layer));
    const Json* nodes = Member(each, "inbound_nodes");
    is_keras2 |= nodes != nullptr && !nodes->empty() && !nodes->front().is_object();
    net.layers.push_back(std::move(layer));
  }
  SLIPWAY_ASSIGN_OR_RETURN(net.inputs, ToRefs(config, "input_layers"));
  SLIPWAY_ASSIGN_OR_RETURN(net.outputs, ToRefs(config, "output_layers"));
  is_keras2 ? CountCallsFromZero2(net) : CountCallsFromZero3(net);
  return net;
}

const Json* ShapeOf(const Json& config) {
  const Json* shape = Given(config, "batch_input_shape");
  return shape ? shape : Given(config, "batch_shape");
}

// Every layer takes the one before; the first is an InputLayer, which may have to be made.
Result<Net> ReadSequential(const Json& layers) {
  static const Json kNone = Json::object();
  Net net;
  for (const Json& each : layers) {
    SLIPWAY_ASSIGN_OR_RETURN(Layer layer, ToLayer(each));
    const bool is_input = layer.class_name == "InputLayer";
    if (net.layers.empty() && !is_input) {
      // Its shape stands in the first layer, in the model's build_input_shape (see the importer), or nowhere.
      Layer input;
      input.class_name = "InputLayer";
      input.name = layer.name + "_input";
      input.config = ShapeOf(*layer.config) ? layer.config : &kNone;
      net.layers.push_back(std::move(input));
    }
    if (!net.layers.empty()) {
      Call call;
      call.inputs.push_back({TensorRef{net.layers.back().name}, nullptr});
      layer.calls.push_back(std::move(call));
    }
    net.layers.push_back(std::move(layer));
  }
  if (net.layers.empty()) return Broken("a Sequential model has no layers");
  net.inputs = {TensorRef{net.layers.front().name}};
  net.outputs = {TensorRef{net.layers.back().name}};
  return net;
}

Status CheckNames(const Net& net) {
  std::set<std::string> names;
  for (const Layer& layer : net.layers) {
    if (layer.name.empty()) return Broken("a layer of class " + layer.class_name + " has no name");
    if (!names.insert(layer.name).second) return Broken("two layers are called '" + layer.name + "'");
  }
  return Status::Ok();
}

}  // namespace

const Layer* Net::Find(const std::string& layer) const {
  const auto found =
      std::find_if(layers.begin(), layers.end(), [&](const Layer& each) { return each.name == layer; });
  return found == layers.end() ? nullptr : &*found;
}

bool IsModel(std::string_view class_name) {
  return class_name == "Sequential" || class_name == "Functional" || class_name == "Model";
}

std::string ClassOf(const Json& layer) {
  const std::string name = TextOf(layer, "class_name");
  if (name == "TFOpLambda" || name == "SlicingOpLambda") {
    const Json* config = Member(layer, "config");
    const std::string function = config ? TextOf(*config, "function") : std::string();
    if (!function.empty()) return "tf." + function;
  }
  // Functions of keras.ops, as "keras.src.ops.numpy", may bear a layer's name.
  return TextOf(layer, "module").find("keras.src.ops") == 0 ? "ops." + name : name;
}

const Json* ConfigOf(const Json& layer) { return Member(layer, "config"); }

Result<Net> ReadNet(const Json& model) {
  const std::string class_name = ClassOf(model);
  const Json* config = ConfigOf(model);
  if (config == nullptr || !IsModel(class_name))
    return Status(Code::kUnsupported, "model.json: a model of class '" + class_name + "'",
                  "Sequential and functional models are read: a subclassed one holds its computation in "
                  "Python code");
  // Before Keras 2.2.3 the config of a Sequential model was the list itself.
  const Json* layers = config->is_array() ? config : Member(*config, "layers");
  if (layers == nullptr || !layers->is_array()) return Broken("the model's config has no list of layers");
  auto net = class_name == "Sequential" ? ReadSequential(*layers) : ReadFunctional(*config, *layers);
  if (!net.ok()) return net;
  net->name = TextOf(*config, "name");
  SLIPWAY_RETURN_IF_ERROR(CheckNames(*net));
  SetSavedKeys(*net);
  return net;
}

}  // namespace slipway::keras
