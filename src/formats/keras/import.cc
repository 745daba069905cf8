#include "formats/keras/import.h"

#include <algorithm>
#include <set>

#include "base/nearest.h"
#include "formats/keras/keras1.h"
#include "formats/keras/layers.h"
#include "formats/keras/unique_names.h"
#include "formats/support.h"

namespace slipway::keras {
namespace {

constexpr size_t kMaxJsonBytes = size_t{256} << 20;
// Models in models, and calls that nested models repeat: real ones come nowhere near.
constexpr size_t kMaxDepth = 16;
constexpr int kMaxCalls = 100'000;

Status Broken(const std::string& message, std::string hint = {}) {
  return Status(Code::kInvalidModel, "model.json: " + message, std::move(hint));
}

DType DTypeOf(const Json& config) {
  const Json* dtype = Given(config, "dtype");
  const std::string name = dtype && dtype->is_string() ? dtype->get<std::string>() : "float32";
  if (name == "int32") return DType::kI32;
  if (name == "int64") return DType::kI64;
  if (name == "uint8") return DType::kU8;
  if (name == "bool") return DType::kBool;
  if (name == "string") return DType::kString;
  return DType::kF32;  // halves too: everything is computed in f32
}

std::string ValueName(const std::string& layer, int64_t call, size_t output) {
  return layer + (call ? "/" + std::to_string(call) : "") + (output ? ":" + std::to_string(output) : "");
}

class Importer {
 public:
  Importer(const Json& topology, const TfjsWeights& weights, const ImportOptions& options)
      : topology_(topology),
        weights_(weights),
        options_(options),
        builder_(model_.graph),
        around_{weights_, 3, model_.notes, masks_,
                [this](const Json& json, const LayerPath& path, const Values& inputs) {
                  return ImportInner(json, path, inputs);
                }} {}

  Result<ImportedModel> Run() {
    model_.format = "keras";
    const Json* config = Member(topology_, "model_config");
    if (config == nullptr) config = &topology_;  // the model itself
    SLIPWAY_ASSIGN_OR_RETURN(const Net net, ReadNet(*config));
    model_.graph.name = net.name;
    around_.keras_version = VersionOf(*config);
    for (const InputCut& cut : options_.inputs) cuts_.emplace(cut.name, &cut);
    SLIPWAY_RETURN_IF_ERROR(CheckCuts(net));
    const Json* model = ConfigOf(*config);
    if (model && model->is_object()) build_shape_ = Given(*model, "build_input_shape");
    Scope scope{net, {}, {}};
    SLIPWAY_RETURN_IF_ERROR(CheckDimNames(options_, SymbolsOf(net)));
    std::vector<TensorRef> outputs = net.outputs;
    if (!options_.outputs.empty()) {
      SLIPWAY_ASSIGN_OR_RETURN(outputs, OutputsAsked(net));
    }
    SLIPWAY_RETURN_IF_ERROR(ImportCalls(scope, outputs));
    SLIPWAY_RETURN_IF_ERROR(unsupported_.ToStatus(model_.graph, options_.support));
    SLIPWAY_RETURN_IF_ERROR(BindOutputs(scope, outputs));
    return std::move(model_);
  }

 private:
  // One model, the root or one inside of it, for one call of it.
  struct Scope {
    const Net& net;
    std::vector<std::string> outer, outer_keys;  // models around its layers
    std::map<TensorRef, ValueId> values = {};    // kNoValue: an unsupported layer stands before
  };

  static int64_t MajorOf(const std::string& version) {
    return version.empty() ? 0 : std::strtol(version.c_str(), nullptr, 10);
  }

  // Where the file does not say, by what only Keras 3 writes.
  int64_t VersionOf(const Json& config) const {
    const int64_t version = MajorOf(TextOf(topology_, "keras_version"));
    if (version > 0) return version;
    return Member(config, "module") != nullptr || Member(config, "registered_name") != nullptr ? 3 : 2;
  }

  // --- Inputs and cuts ---

  DimList DeclaredShape(const Layer& layer) const {
    const Json* shape = Given(*layer.config, "batch_input_shape");
    if (shape == nullptr) shape = Given(*layer.config, "batch_shape");
    if (shape == nullptr) shape = build_shape_;
    DimList dims;
    if (shape == nullptr || !shape->is_array()) return dims;
    for (const Json& extent : *shape) {
      const bool is_known = extent.is_number_integer() && extent.get<int64_t>() >= 0;
      dims.push_back(is_known       ? Dim(extent.get<int64_t>())
                     : dims.empty() ? Dim::Symbol("batch")
                                    : Dim::Symbol(layer.name + "_" + std::to_string(dims.size())));
    }
    return dims;
  }

  std::vector<std::string> SymbolsOf(const Net& net) const {
    std::vector<std::string> symbols;
    const auto add = [&](const DimList& dims) {
      for (const Dim& dim : dims) {
        if (dim.IsNamed()) symbols.push_back(dim.symbol());
      }
    };
    for (const Layer& layer : net.layers) {
      if (layer.class_name == "InputLayer") add(DeclaredShape(layer));
    }
    for (const InputCut& cut : options_.inputs) add(cut.shape.value_or(DimList()));
    return symbols;
  }

  Status UnknownLayer(const Net& net, const std::string& flag, const std::string& name) const {
    std::vector<std::string_view> names;
    for (const Layer& layer : net.layers) names.push_back(layer.name);
    return Status(Code::kUsage,
                  flag + " '" + name + "': the model has no layer of that name" + DidYouMean(name, names),
                  "layers of the model itself can be named, not those of models inside of it");
  }

  // "dense", "dense/1", "lstm:1".
  std::optional<TensorRef> RefOf(const Net& net, const std::string& name) const {
    for (const Layer& layer : net.layers) {
      const auto calls = static_cast<int64_t>(std::max<size_t>(layer.calls.size(), 1));
      if (!name.starts_with(layer.name)) continue;
      for (int64_t call = 0; call < calls; ++call) {
        const std::string base = ValueName(layer.name, call, 0);
        if (name == base) return TensorRef{layer.name, call, 0};
        if (!name.starts_with(base + ":")) continue;
        const std::string number = name.substr(base.size() + 1);
        if (number.empty() || number.size() > 4 ||
            number.find_first_not_of("0123456789") != std::string::npos)
          continue;
        return TensorRef{layer.name, call, std::strtol(number.c_str(), nullptr, 10)};
      }
    }
    return std::nullopt;
  }

  Status CheckCuts(const Net& net) const {
    for (const InputCut& cut : options_.inputs) {
      if (!RefOf(net, cut.name)) return UnknownLayer(net, "--input", cut.name);
    }
    return Status::Ok();
  }

  Result<std::vector<TensorRef>> OutputsAsked(const Net& net) const {
    std::vector<TensorRef> refs;
    for (const std::string& name : options_.outputs) {
      const auto ref = RefOf(net, name);
      if (!ref) return UnknownLayer(net, "--output", name);
      refs.push_back(*ref);
    }
    return refs;
  }

  Result<ValueId> AddInput(const std::string& name, DimList declared, DType dtype) {
    const auto found = cuts_.find(name);
    const InputCut* cut = found == cuts_.end() ? nullptr : found->second;
    if (cut && cut->dtype) dtype = *cut->dtype;
    if (cut && cut->shape) declared = *cut->shape;
    if (declared.empty())
      return Status(Code::kUsage, "input '" + name + "' has no shape in the model",
                    "give it: --input '" + name + "[1,224,224,3]'");
    for (Dim& dim : declared) {
      if (dim.IsKnown() && dim.value() < 1)
        return Broken("input '" + name + "' has the shape " + ToString(declared));
    }
    const DimList shape = SubstituteDims(std::move(declared), options_.dims);
    if (AllKnown(shape)) SLIPWAY_RETURN_IF_ERROR(ElementCount(KnownDims(shape)).status());
    return builder_.Input(name, Type::Of(dtype, shape));
  }

  // The root's inputs first and in order: that is what callers see.
  Status AddInputs(Scope& scope, const std::set<TensorRef>& needed) {
    for (const TensorRef& ref : scope.net.inputs) {
      const Layer* layer = scope.net.Find(ref.layer);
      if (layer == nullptr || layer->class_name != "InputLayer")
        return Broken("its input '" + ref.layer + "' is no InputLayer");
      if (scope.values.count(ref) || !needed.count(ref)) continue;
      SLIPWAY_ASSIGN_OR_RETURN(scope.values[ref],
                               AddInput(layer->name, DeclaredShape(*layer), DTypeOf(*layer->config)));
    }
    for (const InputCut& cut : options_.inputs) {
      const TensorRef ref = *RefOf(scope.net, cut.name);
      if (scope.values.count(ref) || !needed.count(ref)) continue;
      SLIPWAY_ASSIGN_OR_RETURN(scope.values[ref], AddInput(cut.name, {}, DType::kF32));
    }
    return Status::Ok();
  }

  // --- Calls ---

  Result<const Layer*> LayerOf(const Scope& scope, const TensorRef& ref) const {
    const Layer* layer = scope.net.Find(ref.layer);
    if (layer == nullptr) return Broken("the layer '" + ref.layer + "', which others take, does not exist");
    const bool is_input = layer->class_name == "InputLayer" && ref.call == 0;
    if (!is_input && ref.call >= static_cast<int64_t>(layer->calls.size()))
      return Broken("layer '" + ref.layer + "' is called " + std::to_string(layer->calls.size()) +
                    " times; others take the result of call " + std::to_string(ref.call));
    return layer;
  }

  static std::vector<TensorRef> TensorsOf(const Call& call) {
    std::vector<TensorRef> refs;
    const auto add = [&](const Arguments& arguments) {
      for (const Argument& each : arguments) {
        if (each.tensor) refs.push_back(*each.tensor);
      }
    };
    add(call.inputs);
    for (const auto& [name, arguments] : call.named) add(arguments);
    return refs;
  }

  bool IsCut(const Scope& scope, const TensorRef& ref) const {
    return scope.outer.empty() &&
           cuts_.count(ValueName(ref.layer, ref.call, static_cast<size_t>(ref.output))) > 0;
  }

  // The calls that `outputs` need, every one behind those whose results it takes; in `needed` the tensors
  // that no call gives.
  Result<std::vector<TensorRef>> Order(const Scope& scope, const std::vector<TensorRef>& outputs,
                                       std::set<TensorRef>& needed) const {
    enum class State { kNew, kOpen, kDone };
    std::map<TensorRef, State> states;
    std::vector<TensorRef> order;
    std::vector<std::pair<TensorRef, bool>> stack;  // a call; are its inputs done?
    const auto push = [&](const std::vector<TensorRef>& refs) {
      for (size_t i = refs.size(); i-- > 0;) {
        const Layer* layer = scope.net.Find(refs[i].layer);
        if (IsCut(scope, refs[i]) || (layer && layer->class_name == "InputLayer"))
          needed.insert(refs[i]);
        else
          stack.push_back({TensorRef{refs[i].layer, refs[i].call, 0}, false});
      }
    };
    push(outputs);
    while (!stack.empty()) {
      const auto [ref, is_done] = stack.back();
      stack.pop_back();
      State& state = states[ref];
      if (is_done) {
        state = State::kDone;
        order.push_back(ref);
        continue;
      }
      if (state == State::kDone) continue;
      if (state == State::kOpen) return Broken("layer '" + ref.layer + "' needs its own result");
      SLIPWAY_ASSIGN_OR_RETURN(const Layer* layer, LayerOf(scope, ref));
      state = State::kOpen;
      stack.push_back({ref, true});
      push(TensorsOf(layer->calls[static_cast<size_t>(ref.call)]));
    }
    return order;
  }

  Status ImportCalls(Scope& scope, const std::vector<TensorRef>& outputs) {
    std::set<TensorRef> needed;
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<TensorRef> order, Order(scope, outputs, needed));
    if (scope.outer.empty()) SLIPWAY_RETURN_IF_ERROR(AddInputs(scope, needed));
    for (const TensorRef& ref : order) {
      if (++num_calls_ > kMaxCalls) return Broken("the model expands to more than 100000 calls of layers");
      unsupported_.CountNode();
      SLIPWAY_RETURN_IF_ERROR(ImportCall(scope, *scope.net.Find(ref.layer), ref.call));
    }
    return Status::Ok();
  }

  // The values of tensor arguments. nullopt: an unsupported layer stands before.
  Result<std::optional<Values>> ValuesOf(const Scope& scope, const Layer& layer,
                                         const Arguments& arguments) const {
    Values values;
    for (const Argument& each : arguments) {
      if (!each.tensor) continue;
      const auto found = scope.values.find(*each.tensor);
      if (found == scope.values.end())
        return Broken("layer '" + layer.name + "' takes output " + std::to_string(each.tensor->output) +
                      " of '" + each.tensor->layer + "', which has none of that number");
      if (found->second == kNoValue) return std::optional<Values>();
      values.push_back(found->second);
    }
    return std::optional(std::move(values));
  }

  LayerPath PathOf(const Scope& scope, const Layer& layer) const {
    return {scope.outer, layer.name, layer.saved_key, scope.outer_keys, {}};
  }

  Status ImportCall(Scope& scope, const Layer& layer, int64_t index) {
    const Call& call = layer.calls[static_cast<size_t>(index)];
    SLIPWAY_ASSIGN_OR_RETURN(const auto inputs, ValuesOf(scope, layer, call.inputs));
    std::map<std::string, Values> named;
    bool is_ready = inputs.has_value();
    for (const auto& [name, arguments] : call.named) {
      SLIPWAY_ASSIGN_OR_RETURN(auto values, ValuesOf(scope, layer, arguments));
      is_ready &= values.has_value();
      if (values) named[name] = std::move(*values);
    }
    if (!is_ready && FindLayer(layer.class_name) == nullptr && !IsModel(layer.class_name))
      return Refuse(scope, layer, index, {}, Status(Code::kUnsupported, "not supported"));
    if (!is_ready) return Fail(scope, layer, index);
    builder_.SetSources({layer.class_name + " '" + layer.name + "'"});
    const size_t first = model_.graph.values.size();
    auto outputs = IsModel(layer.class_name) ? ImportNested(scope, layer, *inputs)
                                             : ImportPlain(scope, layer, call, *inputs, std::move(named));
    if (outputs.status().code() == Code::kUnsupported)
      return Refuse(scope, layer, index, *inputs, outputs.status());
    SLIPWAY_RETURN_IF_ERROR(outputs.status());
    for (size_t i = 0; i < outputs->size(); ++i) {
      const TensorRef ref{layer.name, index, static_cast<int64_t>(i)};
      const ValueId id = (*outputs)[i];
      if (id == kNoValue) {  // of a model that holds an unsupported layer
        scope.values.emplace(ref, id);
        continue;
      }
      // What a layer only hands on keeps its name.
      Value& value = model_.graph.values[static_cast<size_t>(id)];
      if (static_cast<size_t>(id) >= first && !value.IsConstant() && !IsModel(layer.class_name))
        value.name = Prefix(scope) + ValueName(layer.name, index, i);
      if (!scope.values.count(ref)) scope.values[ref] = id;
    }
    return Status::Ok();
  }

  static std::string Prefix(const Scope& scope) {
    std::string prefix;
    for (const std::string& model : scope.outer) prefix += model + "/";
    return prefix;
  }

  Result<Values> ImportPlain(const Scope& scope, const Layer& layer, const Call& call, const Values& inputs,
                             std::map<std::string, Values> named) {
    LayerContext context(layer.class_name, *layer.config, PathOf(scope, layer), call, inputs,
                         std::move(named), builder_, around_);
    return ImportLayer(context);
  }

  Result<Values> ImportNested(const Scope& scope, const Layer& layer, const Values& inputs) {
    const Json model = {{"class_name", layer.class_name}, {"config", *layer.config}};
    return ImportInner(model, PathOf(scope, layer), inputs);
  }

  Result<Values> ImportInner(const Json& json, const LayerPath& path, const Values& inputs) {
    if (path.outer.size() >= kMaxDepth) return Broken("models stand in models more than 16 deep");
    SLIPWAY_ASSIGN_OR_RETURN(const Net net, ReadNet(json));
    Scope scope{net, path.outer, path.outer_keys};
    scope.outer.push_back(path.name);
    scope.outer_keys.push_back(path.saved_key);
    if (net.inputs.size() != inputs.size())
      return Broken("the model '" + path.name + "' has " + std::to_string(net.inputs.size()) +
                    " inputs and is called with " + std::to_string(inputs.size()));
    for (size_t i = 0; i < inputs.size(); ++i) scope.values[net.inputs[i]] = inputs[i];
    SLIPWAY_RETURN_IF_ERROR(ImportCalls(scope, net.outputs));
    Values outputs;
    for (const TensorRef& ref : net.outputs) {
      const auto found = scope.values.find(ref);
      if (found == scope.values.end())
        return Broken("the model '" + path.name + "' gives output " + std::to_string(ref.output) + " of '" +
                      ref.layer + "', which has none of that number");
      outputs.push_back(found->second);
    }
    return outputs;
  }

  // --- What cannot be read ---

  Status Fail(Scope& scope, const Layer& layer, int64_t index) {
    // How many outputs it has nobody knows: as many as are asked for.
    constexpr int64_t kMostOutputs = 16;
    for (int64_t i = 0; i < kMostOutputs; ++i)
      scope.values.emplace(TensorRef{layer.name, index, i}, kNoValue);
    return Status::Ok();
  }

  Status Refuse(Scope& scope, const Layer& layer, int64_t index, const Values& inputs, const Status& why) {
    ForeignNode node;
    node.format = Format::kTensorflow;  // TF.js is; no row of an operator is asked for
    node.op = layer.class_name;
    node.name = Prefix(scope) + layer.name;
    node.inputs = inputs;
    // The report names the layer itself.
    const std::string prefix = layer.class_name + " '" + node.name + "': ";
    const std::string& message = why.message();
    const std::string reason = message.starts_with(prefix) ? message.substr(prefix.size()) : message;
    unsupported_.Add(node, builder_, Status(Code::kUnsupported, reason, why.hint()));
    return Fail(scope, layer, index);
  }

  Status BindOutputs(const Scope& scope, const std::vector<TensorRef>& outputs) {
    std::set<ValueId> bound;
    for (const TensorRef& ref : outputs) {
      const auto found = scope.values.find(ref);
      if (found == scope.values.end())
        return Broken("the model gives output " + std::to_string(ref.output) + " of '" + ref.layer +
                      "', which has none of that number");
      ValueId value = found->second;
      const std::string name = ValueName(ref.layer, ref.call, static_cast<size_t>(ref.output));
      // Layers that only hand on, and weights, bear other names.
      const bool is_own = builder_.graph().value(value).name == name && !builder_.constant(value);
      const bool is_input = std::count(model_.graph.inputs.begin(), model_.graph.inputs.end(), value) > 0;
      if (!is_own || is_input || !bound.insert(value).second) {
        builder_.SetSources({});
        SLIPWAY_ASSIGN_OR_RETURN(value, builder_.Add("Identity", {value}, {}, name));
      }
      model_.graph.outputs.push_back(value);
    }
    MakeNamesUnique(model_.graph);
    if (model_.graph.outputs.empty()) return Broken("the model has no outputs", "name a layer with --output");
    return Status::Ok();
  }

  const Json& topology_;
  const WeightStore weights_;
  const ImportOptions& options_;
  ImportedModel model_;
  GraphBuilder builder_;
  std::map<ValueId, ValueId> masks_;
  Surroundings around_;
  std::map<std::string, const InputCut*> cuts_;
  const Json* build_shape_ = nullptr;  // of a Sequential model without an InputLayer
  UnsupportedNodes unsupported_;
  int num_calls_ = 0;
};

}  // namespace

Result<ImportedModel> ImportModelJson(std::string_view model_json, const ShardReader& read_shard,
                                      const ImportOptions& options) {
  if (model_json.size() > kMaxJsonBytes) return Broken("larger than 256 MB");
  const Json json = Json::parse(model_json, nullptr, false);
  if (json.is_discarded()) return Broken("not valid JSON", "the file is truncated or not a TF.js model");
  const Json* topology = Member(json, "modelTopology");
  if (topology == nullptr)
    return Broken("has no modelTopology", "give the model.json of a TF.js layers model");
  TfjsWeights weights;
  if (const Json* manifest = Given(json, "weightsManifest")) {
    SLIPWAY_ASSIGN_OR_RETURN(weights, ReadTfjsWeights(*manifest, read_shard));
  }
  if (!IsKeras1(*topology)) return Importer(*topology, weights, options).Run();
  Json upgraded = *topology;
  SLIPWAY_RETURN_IF_ERROR(UpgradeKeras1(upgraded, weights));
  return Importer(upgraded, weights, options).Run();
}

}  // namespace slipway::keras

namespace slipway {

Result<ImportedModel> ImportTfjsLayers(const ModelFile& file, const ImportOptions& options) {
  return keras::ImportModelJson(file.text(), ShardsBeside(file.path), options);
}

}  // namespace slipway
