#include "formats/tensorflow/import.h"

#include <algorithm>
#include <set>

#include "base/nearest.h"
#include "formats/tensorflow/detection.h"
#include "formats/tensorflow/graph_def.h"
#include "formats/tensorflow/graph_text.h"
#include "formats/tensorflow/placeholder.h"
#include "formats/tensorflow/preprocessor.h"
#include "formats/tensorflow/raise_control_flow.h"
#include "formats/tensorflow/scope.h"
#include "formats/tensorflow/tables.h"
#include "formats/tensorflow/tfjs.h"
#include "formats/tensorflow/training.h"

namespace slipway::tensorflow {
namespace {

// Operators without a result that inference needs: never an output by default.
bool IsLeftover(const std::string& op) {
  static const std::set<std::string, std::less<>> kLeftovers = {
      "NoOp",         "Assert",        "Const",
      "SaveV2",       "RestoreV2",     "MergeSummary",
      "SaveSlices",   "ScalarSummary", "HistogramSummary",
      "ImageSummary", "Placeholder",   "VarIsInitializedOp"};
  return kLeftovers.count(op) > 0;
}

class Importer {
 public:
  Importer(const TfGraph& source, const ImportOptions& options, const GraphPorts& ports)
      : source_(source), options_(options), ports_(ports) {}

  Result<ImportedModel> Run() {
    state_.keeps_unknown = options_.allow_custom;
    state_.tables = source_.tables;
    ChooseOutputs();
    SLIPWAY_RETURN_IF_ERROR(CheckNames());
    preprocessor_ = WantedPreprocessor();
    if (preprocessor_) image_name_ = preprocessor_->input;
    SLIPWAY_ASSIGN_OR_RETURN(const TfGraph needed, NeededPart());
    Scope scope(needed, model_.graph, state_);
    scope_ = &scope;
    scope.on_placeholder = [this](const TfNode& node) {
      return AddInput(node, node.name, DeclaredType(node));
    };
    SLIPWAY_RETURN_IF_ERROR(AddCuts());
    SLIPWAY_RETURN_IF_ERROR(AddPorts());
    if (preprocessor_) SLIPWAY_RETURN_IF_ERROR(AddPreprocessor());
    SLIPWAY_RETURN_IF_ERROR(scope.Import(outputs_));
    SLIPWAY_RETURN_IF_ERROR(state_.unsupported.ToStatus(model_.graph, options_.support));
    SLIPWAY_RETURN_IF_ERROR(BindOutputs());
    if (preprocessor_) {
      preprocessor_->input = image_name_;
      model_.manifest = MakeManifest(*preprocessor_, model_.graph);
    }
    Prune(model_.graph);
    model_.notes = std::move(state_.notes);
    NamePorts();
    return std::move(model_);
  }

 private:
  static std::string Key(const TfInput& at) { return Scope::Key(at.node, at.index); }

  Status Unknown(const std::string& what, const std::string& name) const {
    std::vector<std::string_view> names;
    for (const TfNode& node : source_.nodes) names.push_back(node.name);
    return Status(Code::kUsage,
                  what + " '" + name + "': the graph has no node of that name" + DidYouMean(name, names),
                  "'slipway inspect' lists the nodes");
  }

  std::string NameOfCut(const InputCut& cut, const TfInput& at) const {
    const bool is_port = TensorOf(ports_.inputs, cut.name) != cut.name;
    return is_port || at.index != 0 ? cut.name : at.node;
  }

  Type TypeOfCut(const InputCut& cut, const TfNode& node) {
    Type type;
    if (node.op == "Placeholder" && !cut.shape) {
      type = DeclaredType(node);
    } else {
      DType dtype = node.attrs.Type("dtype");
      if (dtype == DType::kNone) dtype = node.attrs.Type("DstT");
      if (dtype == DType::kNone) dtype = node.attrs.Type("T", DType::kF32);
      type = Type::OfUnknownShape(dtype);
    }
    if (cut.shape) type.shape = cut.shape;
    if (cut.dtype) type.dtype = *cut.dtype;
    return type;
  }

  Type DeclaredType(const TfNode& placeholder) {
    PlaceholderType found = TypeOfPlaceholder(source_, placeholder);
    if (found.type.shape) found.type.shape = SubstituteDims(std::move(*found.type.shape), options_.dims);
    if (!found.note.empty()) state_.Note(found.note);
    return found.type;
  }

  // The graph's input that stands for `node`; behind it a cast where the readers compute in halves.
  Result<ValueId> AddInput(const TfNode& node, const std::string& name, Type type) {
    const DType half = type.dtype == DType::kF32 && node.op == "Placeholder"
                           ? HalfTypeOfReaders(source_, node)
                           : DType::kNone;
    GraphBuilder& builder = scope_->builder();
    const ValueId value = builder.Input(name, std::move(type));
    if (half == DType::kNone) return value;
    return builder.Add("Cast", {value}, {{"to", half}}, name + "/cast");
  }

  // The tensor that a user's name stands for: a port's, or a node's.
  static std::string TensorOf(const std::vector<GraphPorts::Port>& ports, const std::string& name) {
    for (const GraphPorts::Port& port : ports) {
      if (port.name == name) return port.tensor;
    }
    return name;
  }

  // The model's own inputs that the outputs still need behind the user's cuts; all, where there are no cuts.
  Status AddPorts() {
    const bool is_cut = !options_.inputs.empty() || !options_.outputs.empty();
    const std::set<std::string> needed =
        is_cut ? NodesBehind(outputs_, scope_->BoundKeys()) : std::set<std::string>();
    for (const GraphPorts::Port& port : ports_.inputs) {
      const TfInput at = ParseInput(port.tensor);
      const TfNode* node = source_.Find(at.node);
      if (node == nullptr)
        return Status(Code::kInvalidModel, "input '" + port.name + "' of the signature is '" + port.tensor +
                                               "', which the graph lacks");
      if (scope_->Has(at.node, at.index) || (is_cut && !needed.count(at.node))) continue;
      if (preprocessor_ && at.node == preprocessor_->input) {
        image_name_ = port.name;  // AddPreprocessor adds it
        continue;
      }
      Type type = port.type;
      if (type.shape) type.shape = SubstituteDims(std::move(*type.shape), options_.dims);
      SLIPWAY_ASSIGN_OR_RETURN(const ValueId value, AddInput(*node, port.name, std::move(type)));
      scope_->Bind(at.node, at.index, value);
    }
    return Status::Ok();
  }

  // Inputs named by the user: placeholders with another shape, or cuts.
  Status AddCuts() {
    for (const InputCut& cut : options_.inputs) {
      const TfInput at = ParseInput(TensorOf(ports_.inputs, cut.name));
      const TfNode* node = source_.Find(at.node);
      if (IsImage(cut)) continue;
      SLIPWAY_ASSIGN_OR_RETURN(const ValueId value,
                               AddInput(*node, NameOfCut(cut, at), TypeOfCut(cut, *node)));
      scope_->Bind(at.node, at.index, value);
    }
    return Status::Ok();
  }

  // Are all nodes there that the user names?
  Status CheckNames() const {
    for (const InputCut& cut : options_.inputs) {
      if (source_.Find(ParseInput(TensorOf(ports_.inputs, cut.name)).node) == nullptr)
        return Unknown("--input", cut.name);
    }
    for (const std::string& output : outputs_) {
      if (source_.Find(ParseInput(output).node) == nullptr) return Unknown("--output", output);
    }
    return Status::Ok();
  }

  // What the outputs need behind the user's cuts and the preprocessing loop, without what only training
  // needs, loops and branches raised.
  Result<TfGraph> NeededPart() {
    std::set<std::string> stops;
    std::set<std::string> names;
    for (const InputCut& cut : options_.inputs) {
      const TfInput at = ParseInput(TensorOf(ports_.inputs, cut.name));
      names.insert(at.node);
      stops.insert(Key(at));
    }
    for (const GraphPorts::Port& port : ports_.inputs) {
      names.insert(ParseInput(port.tensor).node);
      stops.insert(Key(ParseInput(port.tensor)));
    }
    if (preprocessor_) {
      names.insert(preprocessor_->replaced);
      stops.insert(Scope::Key(preprocessor_->replaced, 0));
    }
    const std::set<std::string> behind = NodesBehind(outputs_, stops);
    TfGraph needed;
    needed.library = source_.library;
    needed.version = source_.version;
    for (const TfNode& node : source_.nodes) {
      if (behind.count(node.name) || names.count(node.name)) needed.nodes.push_back(node);
    }
    SLIPWAY_RETURN_IF_ERROR(needed.Index());
    std::vector<std::string> notes;
    const TfGraph plain = WithoutTraining(needed, names, notes);
    for (const std::string& note : notes) state_.Note(note);
    return RaiseControlFlow(plain);
  }

  // Nodes that are computed for `roots`, these included; not what stands behind one of the `stops` (by Key).
  std::set<std::string> NodesBehind(const std::vector<std::string>& roots,
                                    const std::set<std::string>& stops) const {
    std::set<std::string> seen;
    std::vector<std::string> pending = roots;
    while (!pending.empty()) {
      const TfInput at = ParseInput(pending.back());
      pending.pop_back();
      const TfNode* node = source_.Find(at.node);
      if (node == nullptr || stops.count(Key(at)) || !seen.insert(at.node).second) continue;
      pending.insert(pending.end(), node->inputs.begin(), node->inputs.end());
    }
    return seen;
  }

  // The preprocessing loop, unless the user cuts it off or open.
  std::optional<Preprocessor> WantedPreprocessor() const {
    std::optional<Preprocessor> found = FindPreprocessor(source_);
    if (!found) return std::nullopt;
    std::set<std::string> cuts;
    const std::set<std::string> loop = NodesBehind({found->replaced}, {});
    for (const InputCut& cut : options_.inputs) {
      const TfInput at = ParseInput(TensorOf(ports_.inputs, cut.name));
      if (at.node == found->input) continue;
      if (loop.count(at.node)) return std::nullopt;
      cuts.insert(Key(at));
    }
    return NodesBehind(outputs_, cuts).count(found->replaced) ? found : std::nullopt;
  }

  // Does the user name the photo that the preprocessing loop reads?
  bool IsImage(const InputCut& cut) const {
    return preprocessor_ && ParseInput(TensorOf(ports_.inputs, cut.name)).node == preprocessor_->input;
  }

  // The shape behind the loop: its own, in the batch that the user may ask for.
  Result<DimList> ShapeOfImage() const {
    // Boxes and scores of such detectors are per photo: one photo a run.
    DimList shape = {1, preprocessor_->height, preprocessor_->width, preprocessor_->channels};
    for (const InputCut& cut : options_.inputs) {
      if (!IsImage(cut)) continue;
      bool fits = !cut.dtype || *cut.dtype == DType::kF32;
      if (cut.shape) fits &= cut.shape->size() == shape.size();
      for (size_t i = 1; fits && cut.shape && i < shape.size(); ++i) {
        const Dim& wanted = (*cut.shape)[i];
        fits = !wanted.IsKnown() || wanted == shape[i];
      }
      if (!fits) {
        return Status(Code::kUsage,
                      "--input '" + cut.name + "': the graph resizes its photos, and takes f32" +
                          ToString(shape) + " behind that",
                      "leave shape and type out: the manifest resizes and normalises any photo");
      }
      if (cut.shape) shape[0] = (*cut.shape)[0];
    }
    return shape;
  }

  Status AddPreprocessor() {
    SLIPWAY_ASSIGN_OR_RETURN(DimList shape, ShapeOfImage());
    scope_->Bind(preprocessor_->replaced, 0,
                 scope_->builder().Input(image_name_, Type::Of(DType::kF32, std::move(shape))));
    state_.Note("the preprocessing loop of '" + preprocessor_->input + "' (resize to " +
                std::to_string(preprocessor_->width) + "x" + std::to_string(preprocessor_->height) +
                ", normalise) moved from the graph into the manifest");
    return Status::Ok();
  }

  void ChooseOutputs() {
    for (const std::string& output : options_.outputs) outputs_.push_back(TensorOf(ports_.outputs, output));
    if (!outputs_.empty()) return;
    for (const GraphPorts::Port& port : ports_.outputs) outputs_.push_back(port.tensor);
    if (!outputs_.empty()) return;
    std::set<std::string> read;
    for (const TfNode& node : source_.nodes) {
      for (const std::string& input : node.inputs) read.insert(ParseInput(input).node);
    }
    std::set<std::string> outside;
    for (const TfNode& node : source_.nodes) {
      if (!read.count(node.name) && !IsLeftover(node.op) && !IsWithinLoop(node, outside))
        outputs_.push_back(node.name);
    }
  }

  // Does it belong to a round of a loop? What nobody reads there is no output. `outside`: nodes known not to.
  bool IsWithinLoop(const TfNode& node, std::set<std::string>& outside) const {
    std::set<std::string> seen;
    std::vector<const TfNode*> pending = {&node};
    while (!pending.empty()) {
      const TfNode& at = *pending.back();
      pending.pop_back();
      if (at.op == "Enter") return true;
      if (at.op == "Exit" || outside.count(at.name) || !seen.insert(at.name).second) continue;
      for (const std::string& input : at.inputs) {
        const TfNode* producer = source_.Find(ParseInput(input).node);
        if (producer != nullptr) pending.push_back(producer);
      }
    }
    outside.merge(seen);
    return false;
  }

  // An output of the model, which needs a value of its own where it has a name of its own.
  Result<ValueId> OutputOf(ValueId value, const std::string& name) {
    const Graph& graph = model_.graph;
    const bool is_shared = std::count(graph.outputs.begin(), graph.outputs.end(), value) > 0 ||
                           std::count(graph.inputs.begin(), graph.inputs.end(), value) > 0 ||
                           graph.value(value).IsConstant();
    if (name.empty() || !is_shared) return value;
    return scope_->builder().Add("Identity", {value}, {}, name);
  }

  bool IsCut(const TfInput& at) const {
    return std::any_of(options_.inputs.begin(), options_.inputs.end(), [&](const InputCut& cut) {
      return ParseInput(TensorOf(ports_.inputs, cut.name)).node == at.node;
    });
  }

  // Nothing was refused, and yet the output is not there: one result of a node was cut, and another one is
  // read.
  Status NotComputed(const std::string& output) const {
    for (const TfNode& node : source_.nodes) {
      for (const std::string& text : node.inputs) {
        const TfInput at = ParseInput(text);
        if (at.is_control || !IsCut(at) || scope_->Find(text) != kNoValue) continue;
        return Status(Code::kUsage,
                      "--output '" + output + "' cannot be computed: " + node.op + " '" + node.name +
                          "' reads '" + text + "', another result of the node that --input cuts",
                      "give it, too, as in --input '" + text + "[]:i32'");
      }
    }
    return Unknown("--output", output);
  }

  Status BindOutputs() {
    Graph& graph = model_.graph;
    for (const std::string& output : outputs_) {
      const ValueId found = scope_->Find(output);
      if (found == kNoValue) return NotComputed(output);
      SLIPWAY_ASSIGN_OR_RETURN(const ValueId value, OutputOf(found, NameOfOutput(output)));
      graph.outputs.push_back(value);
    }
    if (graph.outputs.empty())
      return Status(Code::kInvalidModel, "the graph has no outputs", "name one with --output");
    return Status::Ok();
  }

  // What the outputs are called: the ports' names, where they are ports.
  std::string NameOfOutput(const std::string& tensor) const {
    for (const GraphPorts::Port& port : ports_.outputs) {
      if (port.tensor == tensor) return port.name;
    }
    return "";
  }

  static std::string Untaken(std::string name, std::set<std::string>& taken) {
    while (!taken.insert(name).second) name += "_";
    return name;
  }

  // Gives the outputs that are ports their names. Values within the graph make way, inputs do not.
  void NamePorts() {
    Graph& graph = model_.graph;
    std::set<std::string> taken;
    for (const Value& value : graph.values) taken.insert(value.name);
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const std::string wanted = NameOfOutput(outputs_[i]);
      Value& output = graph.value(graph.outputs[i]);
      if (wanted.empty() || output.name == wanted) continue;
      const ValueId holder = graph.FindValue(wanted);
      if (std::count(graph.inputs.begin(), graph.inputs.end(), holder) > 0) {
        output.name = Untaken(wanted + "_out", taken);
        model_.notes.push_back("output '" + wanted + "' is called '" + output.name +
                               "' here: an input has its name");
        continue;
      }
      if (holder != kNoValue) graph.value(holder).name = Untaken(wanted + "_inner", taken);
      output.name = wanted;
      taken.insert(wanted);
    }
  }

  const TfGraph& source_;
  const ImportOptions& options_;
  const GraphPorts& ports_;
  ImportedModel model_;
  ImportState state_;
  Scope* scope_ = nullptr;  // within Run
  std::vector<std::string> outputs_;
  std::optional<Preprocessor> preprocessor_;
  std::string image_name_;  // the preprocessor's input, as the model calls it
};

}  // namespace

Result<ImportedModel> ImportGraph(const TfGraph& graph, const ImportOptions& options,
                                  const GraphPorts& ports) {
  return Importer(graph, options, ports).Run();
}

}  // namespace slipway::tensorflow

namespace slipway {

Result<ImportedModel> ImportGraphDef(const ModelFile& file, const ImportOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(tensorflow::TfGraph graph,
                           tensorflow::DecodeGraphDef(file.file.bytes(), file.file.owner()));
  SLIPWAY_RETURN_IF_ERROR(tensorflow::FillTables(graph, graph, {}, {}));
  SLIPWAY_ASSIGN_OR_RETURN(ImportedModel model, tensorflow::ImportGraph(graph, options));
  model.format = "graphdef";
  return model;
}

Result<ImportedModel> ImportGraphDefText(const ModelFile& file, const ImportOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string bytes, tensorflow::EncodeGraphText(file.text()));
  SLIPWAY_ASSIGN_OR_RETURN(
      tensorflow::TfGraph graph,
      tensorflow::DecodeGraphDef({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, nullptr));
  SLIPWAY_RETURN_IF_ERROR(tensorflow::CheckHoldsItsWeights(graph));
  SLIPWAY_RETURN_IF_ERROR(tensorflow::FillTables(graph, graph, {}, {}));
  SLIPWAY_ASSIGN_OR_RETURN(ImportedModel model, tensorflow::ImportGraph(graph, options));
  model.format = "graphdef";
  return model;
}

Result<ImportedModel> ImportTfjs(const ModelFile& file, const ImportOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(const tensorflow::TfGraph graph, tensorflow::ReadTfjsModel(file.path));
  SLIPWAY_ASSIGN_OR_RETURN(ImportedModel model, tensorflow::ImportGraph(graph, options));
  model.format = "tfjs";
  return model;
}

}  // namespace slipway
