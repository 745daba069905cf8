#include "formats/caffe/import.h"

#include <algorithm>
#include <set>

#include "base/nearest.h"
#include "formats/caffe/foreign_layer.h"
#include "formats/caffe/layers.h"
#include "formats/caffe/preprocess.h"
#include "formats/support.h"
#include "ops/import.h"

namespace slipway::caffe {
namespace {

// Layers that only training and its reports need.
bool IsTraining(const std::string& type) {
  return type.ends_with("Loss") || type == "Accuracy" || type == "HDF5Output" || type == "DetectionEvaluate";
}

class Importer {
 public:
  Importer(const Net& net, const Weights& weights, const ImportOptions& options)
      : net_(net), weights_(weights), options_(options), builder_(model_.graph) {}

  Result<ImportedModel> Run() {
    model_.format = "caffe";
    model_.graph.name = net_.name;
    SLIPWAY_RETURN_IF_ERROR(CheckDimNames(options_, SymbolsOfCuts()));
    KeepInferenceLayers();
    ChooseOutputs();
    SLIPWAY_RETURN_IF_ERROR(AddCuts());
    SLIPWAY_RETURN_IF_ERROR(MarkNeeded());
    SLIPWAY_RETURN_IF_ERROR(AddNetInputs());
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (is_needed_[i]) SLIPWAY_RETURN_IF_ERROR(Import(i));
    }
    SLIPWAY_RETURN_IF_ERROR(unsupported_.ToStatus(model_.graph, options_.support));
    SLIPWAY_RETURN_IF_ERROR(BindOutputs());
    return std::move(model_);
  }

 private:
  std::vector<std::string> SymbolsOfCuts() const {
    std::vector<std::string> symbols;
    for (const InputCut& cut : options_.inputs) {
      for (const Dim& dim : cut.shape.value_or(DimList())) {
        if (dim.IsNamed()) symbols.push_back(dim.symbol());
      }
    }
    return symbols;
  }

  void KeepInferenceLayers() {
    for (const Layer& layer : net_.layers) {
      if (!IsTraining(layer.type)) {
        layers_.push_back(&layer);
      } else {
        model_.notes.push_back("the layer '" + layer.name + "' (" + layer.type +
                               ") is left out: training only");
      }
    }
  }

  // What nobody reads, inputs aside.
  void ChooseOutputs() {
    outputs_ = options_.outputs;
    if (!outputs_.empty()) return;
    for (const Layer* layer : layers_) {
      for (const std::string& bottom : layer->bottoms) std::erase(outputs_, bottom);
      if (IsDataLayer(layer->type)) continue;
      for (const std::string& top : layer->tops) {
        std::erase(outputs_, top);
        outputs_.push_back(top);
      }
    }
  }

  bool IsBlob(const std::string& name) const {
    const auto is = [&](const std::string& each) { return each == name; };
    return std::any_of(net_.inputs.begin(), net_.inputs.end(),
                       [&](const NetInput& input) { return input.name == name; }) ||
           std::any_of(layers_.begin(), layers_.end(), [&](const Layer* layer) {
             return std::any_of(layer->tops.begin(), layer->tops.end(), is);
           });
  }

  Status UnknownBlob(const std::string& flag, const std::string& name) const {
    std::vector<std::string_view> names;
    for (const NetInput& input : net_.inputs) names.push_back(input.name);
    for (const Layer* layer : layers_) names.insert(names.end(), layer->tops.begin(), layer->tops.end());
    return Status(Code::kUsage,
                  flag + " '" + name + "': the net has no blob of that name" + DidYouMean(name, names),
                  "blobs are named by the layers' tops");
  }

  // Cuts take a blob's place in all its versions. The net's own inputs are replaced where they are declared.
  Status AddCuts() {
    for (const InputCut& cut : options_.inputs) {
      if (!IsBlob(cut.name)) return UnknownBlob("--input", cut.name);
      cuts_.emplace(cut.name, &cut);
    }
    return Status::Ok();
  }

  Status MarkNeeded() {
    std::set<std::string> needed(outputs_.begin(), outputs_.end());
    is_needed_.assign(layers_.size(), false);
    for (size_t i = layers_.size(); i-- > 0;) {
      const Layer& layer = *layers_[i];
      const bool is_read = std::any_of(layer.tops.begin(), layer.tops.end(),
                                       [&](const std::string& top) { return needed.count(top) > 0; });
      if (!is_read) continue;
      const bool is_cut = std::all_of(layer.tops.begin(), layer.tops.end(),
                                      [&](const std::string& top) { return cuts_.count(top) > 0; });
      if (is_cut) continue;
      is_needed_[i] = true;
      for (const std::string& top : layer.tops) {
        last_writer_.emplace(top, i);
        if (!cuts_.count(top)) needed.erase(top);
      }
      needed.insert(layer.bottoms.begin(), layer.bottoms.end());
    }
    still_needed_ = std::move(needed);
    return Status::Ok();
  }

  Status AddInput(const std::string& name, const Dims& declared) {
    const auto found = cuts_.find(name);
    const InputCut* cut = found == cuts_.end() ? nullptr : found->second;
    Type type;
    type.dtype = cut && cut->dtype ? *cut->dtype : DType::kF32;
    if (cut && cut->shape) {
      type.shape = SubstituteDims(*cut->shape, options_.dims);
    } else if (!declared.empty()) {
      type.shape = ToDimList(declared);
    } else {
      return Status(Code::kUsage, "input '" + name + "' has no shape in the description",
                    "give it: --input " + name + "[1,3,224,224]");
    }
    for (const Dim& dim : *type.shape) {
      if (dim.IsKnown() && dim.value() < 1)
        return Status(Code::kInvalidModel, "input '" + name + "' has the shape " + ToString(*type.shape));
    }
    if (AllKnown(*type.shape)) SLIPWAY_RETURN_IF_ERROR(ElementCount(KnownDims(*type.shape)).status());
    values_[name] = builder_.Input(name, std::move(type));
    return Status::Ok();
  }

  Status AddNetInputs() {
    for (const NetInput& input : net_.inputs) {
      if (still_needed_.count(input.name)) SLIPWAY_RETURN_IF_ERROR(AddInput(input.name, input.dims));
    }
    for (const InputCut& cut : options_.inputs) {
      if (values_.count(cut.name) || !still_needed_.count(cut.name)) continue;
      SLIPWAY_RETURN_IF_ERROR(AddInput(cut.name, DeclaredDims(cut.name)));
    }
    return Status::Ok();
  }

  // The shape that an Input layer declares for the blob; empty when none does.
  Dims DeclaredDims(const std::string& name) const {
    for (const Layer* layer : layers_) {
      for (size_t i = 0; i < layer->tops.size(); ++i) {
        if (layer->tops[i] == name && IsDataLayer(layer->type)) return DimsOfTop(*layer, i);
      }
    }
    return {};
  }

  static Dims DimsOfTop(const Layer& layer, size_t top) {
    Status error;
    if (layer.type == "MemoryData" && top == 0) {
      const Params params(layer.message.Child("memory_data_param"), error);
      return {params.Int("batch_size", 0), params.Int("channels", 0), params.Int("height", 0),
              params.Int("width", 0)};
    }
    const bool is_photo = top == 0 && layer.type != "Input" && layer.type != "DummyData";
    if (is_photo) return ShapeOf(TransformOf(layer, error));
    const Message* message = layer.message.Child(layer.type == "Input" ? "input_param" : "dummy_data_param");
    if (message == nullptr) return {};
    const auto shapes = message->All("shape");
    if (shapes.empty()) return {};
    return Params(&shapes[std::min(top, shapes.size() - 1)]->message, error).Ints("dim");
  }

  Status ImportData(const Layer& layer) {
    for (size_t i = 0; i < layer.tops.size(); ++i) {
      const std::string& top = layer.tops[i];
      const bool is_read = std::any_of(layers_.begin(), layers_.end(), [&](const Layer* reader) {
        return std::find(reader->bottoms.begin(), reader->bottoms.end(), top) != reader->bottoms.end();
      });
      if (values_.count(top) || !is_read) continue;
      SLIPWAY_RETURN_IF_ERROR(AddInput(top, DimsOfTop(layer, i)));
    }
    return Status::Ok();
  }

  Strings NamesOfTops(size_t index) const {
    Strings names;
    for (const std::string& top : layers_[index]->tops) {
      names.push_back(last_writer_.at(top) == index ? top : std::string());
    }
    return names;
  }

  Status CheckCounts(const Layer& layer, const LayerDef& def) const {
    const size_t count = layer.bottoms.size();
    if (count >= def.min_inputs && count <= def.max_inputs) return Status::Ok();
    return Status(Code::kInvalidModel, layer.type + " '" + layer.name + "' (line " +
                                           std::to_string(layer.line) + "): has " + std::to_string(count) +
                                           " bottoms, needs " + std::to_string(def.min_inputs) +
                                           (def.max_inputs > def.min_inputs ? " or more" : ""));
  }

  ForeignNode Foreign(const Layer& layer, const std::vector<ValueId>& inputs) const {
    ForeignNode node;
    node.format = Format::kCaffe;
    node.op = layer.type;
    node.name = layer.name;
    node.inputs = inputs;
    return node;
  }

  // Values of the bottoms; kNoValue where an unsupported layer stands before. Errors: nothing makes one.
  Result<std::vector<ValueId>> Bottoms(const Layer& layer) const {
    std::vector<ValueId> inputs;
    for (const std::string& bottom : layer.bottoms) {
      const auto found = values_.find(bottom);
      if (found != values_.end()) {
        inputs.push_back(found->second);
      } else if (failed_.count(bottom)) {
        inputs.push_back(kNoValue);
      } else {
        return Status(Code::kInvalidModel, layer.type + " '" + layer.name + "' (line " +
                                               std::to_string(layer.line) + "): reads '" + bottom +
                                               "', which no layer before it makes");
      }
    }
    return inputs;
  }

  Status Import(size_t index) {
    const Layer& layer = *layers_[index];
    if (IsDataLayer(layer.type)) return ImportData(layer);
    unsupported_.CountNode();
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> inputs, Bottoms(layer));
    const LayerDef* def = FindLayer(layer);
    if (def == nullptr) return ImportForPlugin(index, inputs);
    if (std::count(inputs.begin(), inputs.end(), kNoValue) > 0) {
      for (const std::string& top : layer.tops) Fail(top);
      return Status::Ok();
    }
    SLIPWAY_RETURN_IF_ERROR(CheckCounts(layer, *def));
    for (ValueId input : inputs) {
      if (!builder_.type(input).HasRank())
        return Refuse(layer, inputs, Status(Code::kUnsupported, "an input of unknown rank"));
    }
    return Import(index, *def, inputs);
  }

  Status Import(size_t index, const LayerDef& def, const std::vector<ValueId>& inputs) {
    const Layer& layer = *layers_[index];
    const auto blobs = weights_.find(layer.name);
    builder_.SetSources({layer.type + " '" + layer.name + "'"});
    LayerContext context(layer, inputs, NamesOfTops(index),
                         blobs == weights_.end() ? nullptr : &blobs->second, builder_);
    Status status = def.import(context);
    if (!context.error().ok()) status = context.error().WithContext(layer.type + " '" + layer.name + "'");
    if (status.code() == Code::kUnsupported) return Refuse(layer, inputs, status);
    SLIPWAY_RETURN_IF_ERROR(status);
    const std::vector<ValueId>& outputs = context.outputs();
    if (outputs.size() != layer.tops.size())
      return context.Error("has " + std::to_string(layer.tops.size()) + " tops, makes " +
                           std::to_string(outputs.size()));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!cuts_.count(layer.tops[i])) values_[layer.tops[i]] = outputs[i];
    }
    return Status::Ok();
  }

  // A layer that no function reads: a plugin's, or kept for one that is given later. Its blobs are inputs
  // behind the bottoms.
  Status ImportForPlugin(size_t index, const std::vector<ValueId>& inputs) {
    const Layer& layer = *layers_[index];
    const bool is_claimed = FindForeign(Format::kCaffe, "", layer.type, 1).op != nullptr;
    const bool is_blocked = std::count(inputs.begin(), inputs.end(), kNoValue) > 0;
    if (is_blocked || (!is_claimed && !options_.allow_custom))
      return Refuse(layer, inputs, Status(Code::kUnsupported, "not supported"));
    ForeignNode node = ForeignLayer(layer);
    node.inputs = inputs;
    if (const auto blobs = weights_.find(layer.name); blobs != weights_.end()) {
      for (const Tensor& blob : blobs->second)
        node.inputs.push_back(builder_.Constant(layer.name + "/blob", blob));
    }
    for (const std::string& name : NamesOfTops(index))
      node.outputs.push_back({name.empty() ? layer.name + "/" + layer.type : name, {}, {}, {}});
    auto values = is_claimed ? ImportNode(node, builder_) : ImportCustom(node, builder_);
    if (values.status().code() == Code::kUnsupported) return Refuse(layer, inputs, values.status());
    if (!values.ok()) return values.status();
    for (size_t i = 0; i < layer.tops.size(); ++i) {
      if (!cuts_.count(layer.tops[i])) values_[layer.tops[i]] = (*values)[i];
    }
    return Status::Ok();
  }

  void Fail(const std::string& top) {
    values_.erase(top);
    failed_.insert(top);
  }

  Status Refuse(const Layer& layer, const std::vector<ValueId>& inputs, const Status& why) {
    unsupported_.Add(Foreign(layer, inputs), builder_, why);
    for (const std::string& top : layer.tops) Fail(top);
    return Status::Ok();
  }

  Status BindOutputs() {
    for (const std::string& output : outputs_) {
      const auto found = values_.find(output);
      if (found == values_.end()) return UnknownBlob("--output", output);
      ValueId value = found->second;
      // Layers that only pass on, and weights, bear other names.
      const bool is_own = builder_.graph().value(value).name == output && !builder_.constant(value);
      const bool is_input = std::count(model_.graph.inputs.begin(), model_.graph.inputs.end(), value) > 0;
      if (!is_own || is_input) {
        builder_.SetSources({});
        SLIPWAY_ASSIGN_OR_RETURN(value, builder_.Add("Identity", {value}, {}, output));
      }
      model_.graph.outputs.push_back(value);
    }
    if (model_.graph.outputs.empty())
      return Status(Code::kInvalidModel, "the net has no outputs", "name one with --output");
    return Status::Ok();
  }

  const Net& net_;
  const Weights& weights_;
  const ImportOptions& options_;
  ImportedModel model_;
  GraphBuilder builder_;
  std::vector<const Layer*> layers_;  // without those of training
  std::vector<std::string> outputs_;
  std::map<std::string, const InputCut*> cuts_;
  std::vector<bool> is_needed_;                // by layer
  std::map<std::string, size_t> last_writer_;  // among the layers needed
  std::set<std::string> still_needed_;         // blobs that no layer needed makes
  std::map<std::string, ValueId> values_;      // blobs as they stand so far
  std::set<std::string> failed_;
  UnsupportedNodes unsupported_;
};

}  // namespace

Result<ImportedModel> ImportNet(const Net& net, const Weights& weights, const ImportOptions& options) {
  return Importer(net, weights, options).Run();
}

}  // namespace slipway::caffe
