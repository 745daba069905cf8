#include "formats/tensorflow/import.h"

#include <algorithm>
#include <set>

#include "base/nearest.h"
#include "formats/support.h"
#include "formats/tensorflow/detection.h"
#include "formats/tensorflow/graph_def.h"
#include "formats/tensorflow/placeholder.h"
#include "formats/tensorflow/preprocessor.h"
#include "formats/tensorflow/tfjs.h"
#include "ops/import.h"

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
  Importer(const TfGraph& source, const ImportOptions& options)
      : source_(source), options_(options), builder_(model_.graph) {}

  Result<ImportedModel> Run() {
    ChooseOutputs();
    preprocessor_ = WantedPreprocessor();
    SLIPWAY_RETURN_IF_ERROR(AddCuts());
    if (preprocessor_) SLIPWAY_RETURN_IF_ERROR(AddPreprocessor());
    SLIPWAY_RETURN_IF_ERROR(Order());
    for (const TfNode* node : order_) {
      SLIPWAY_RETURN_IF_ERROR(Import(*node));
    }
    SLIPWAY_RETURN_IF_ERROR(unsupported_.ToStatus(model_.graph));
    SLIPWAY_RETURN_IF_ERROR(BindOutputs());
    if (preprocessor_) model_.manifest = MakeManifest(*preprocessor_, model_.graph);
    SLIPWAY_RETURN_IF_ERROR(Prune());
    return std::move(model_);
  }

 private:
  // A tensor of the source: "node:0".
  static std::string Key(const std::string& node, int index) { return node + ":" + std::to_string(index); }

  Status Unknown(const std::string& what, const std::string& name) const {
    std::vector<std::string_view> names;
    for (const TfNode& node : source_.nodes) names.push_back(node.name);
    return Status(Code::kUsage,
                  what + " '" + name + "': the graph has no node of that name" + DidYouMean(name, names),
                  "'slipway inspect' lists the nodes");
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
    if (!found.note.empty()) model_.notes.push_back(std::move(found.note));
    return found.type;
  }

  // The graph's input that stands for `node`; behind it a cast where the readers compute in halves.
  Result<ValueId> AddInput(const TfNode& node, const std::string& name, Type type) {
    const DType half = type.dtype == DType::kF32 && node.op == "Placeholder"
                           ? HalfTypeOfReaders(source_, node)
                           : DType::kNone;
    const ValueId value = builder_.Input(name, std::move(type));
    if (half == DType::kNone) return value;
    return builder_.Add("Cast", {value}, {{"to", half}}, name + "/cast");
  }

  // Inputs named by the user: placeholders with another shape, or cuts.
  Status AddCuts() {
    for (const InputCut& cut : options_.inputs) {
      const TfInput at = ParseInput(cut.name);
      const TfNode* node = source_.Find(at.node);
      if (node == nullptr) return Unknown("--input", cut.name);
      if (IsImage(cut)) continue;
      SLIPWAY_ASSIGN_OR_RETURN(values_[Key(at.node, at.index)],
                               AddInput(*node, at.index ? cut.name : at.node, TypeOfCut(cut, *node)));
    }
    return Status::Ok();
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
      if (node == nullptr || stops.count(Key(at.node, at.index)) || !seen.insert(at.node).second) continue;
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
      const TfInput at = ParseInput(cut.name);
      if (at.node == found->input) continue;
      if (loop.count(at.node)) return std::nullopt;
      cuts.insert(Key(at.node, at.index));
    }
    return NodesBehind(outputs_, cuts).count(found->replaced) ? found : std::nullopt;
  }

  // Does the user name the photo that the preprocessing loop reads?
  bool IsImage(const InputCut& cut) const {
    return preprocessor_ && ParseInput(cut.name).node == preprocessor_->input;
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
    values_[Key(preprocessor_->replaced, 0)] =
        builder_.Input(preprocessor_->input, Type::Of(DType::kF32, std::move(shape)));
    model_.notes.push_back("the preprocessing loop of '" + preprocessor_->input + "' (resize to " +
                           std::to_string(preprocessor_->width) + "x" +
                           std::to_string(preprocessor_->height) +
                           ", normalise) moved from the graph into the manifest");
    return Status::Ok();
  }

  void ChooseOutputs() {
    outputs_ = options_.outputs;
    if (!outputs_.empty()) return;
    std::set<std::string> read;
    for (const TfNode& node : source_.nodes) {
      for (const std::string& input : node.inputs) read.insert(ParseInput(input).node);
    }
    for (const TfNode& node : source_.nodes) {
      if (!read.count(node.name) && !IsLeftover(node.op)) outputs_.push_back(node.name);
    }
  }

  // Nodes that the outputs need, each after what it reads. What a TF1 while loop hands to its next round
  // stands behind the loop: that is the only legal circle.
  Status Order() {
    std::vector<const TfNode*> roots;
    for (const std::string& output : outputs_) {
      const TfInput at = ParseInput(output);
      const TfNode* root = source_.Find(at.node);
      if (root == nullptr) return Unknown("--output", output);
      if (values_.count(Key(at.node, at.index))) continue;
      WantOutput(root, at.index);
      roots.push_back(root);
    }
    for (size_t i = 0; i < roots.size(); ++i) SLIPWAY_RETURN_IF_ERROR(OrderBehind(roots[i], roots));
    return Status::Ok();
  }

  // Iterative: graphs may be deep.
  Status OrderBehind(const TfNode* root, std::vector<const TfNode*>& roots) {
    struct Frame {
      const TfNode* node;
      size_t next;
    };
    std::vector<Frame> stack;
    if (states_[root] == State::kNew) stack.push_back({root, 0});
    while (!stack.empty()) {
      Frame& frame = stack.back();
      const TfNode* node = frame.node;
      states_[node] = State::kOpen;
      if (frame.next == node->inputs.size()) {
        states_[node] = State::kDone;
        order_.push_back(node);
        stack.pop_back();
        continue;
      }
      const TfInput input = ParseInput(node->inputs[frame.next++]);
      if (input.is_control || values_.count(Key(input.node, input.index))) continue;
      const TfNode* producer = source_.Find(input.node);
      if (producer == nullptr) {
        return Status(Code::kInvalidModel,
                      node->op + " '" + node->name + "' reads '" + input.node + "', which the graph lacks");
      }
      WantOutput(producer, input.index);
      if (node->op == "Merge" && producer->op == "NextIteration") {
        roots.push_back(producer);
        continue;
      }
      if (states_[producer] == State::kOpen) {
        return Status(Code::kInvalidModel, "node '" + producer->name + "' depends on its own result");
      }
      if (states_[producer] == State::kNew) stack.push_back({producer, 0});
    }
    return Status::Ok();
  }

  void WantOutput(const TfNode* node, int index) {
    int& outputs = num_outputs_[node];
    outputs = std::max(outputs, index + 1);
  }

  ForeignNode Foreign(const TfNode& node) const {
    ForeignNode foreign;
    foreign.format = Format::kTensorflow;
    foreign.op = node.op;
    foreign.name = node.name;
    foreign.attrs = node.attrs;
    return foreign;
  }

  size_t CountOutputs(const TfNode& node) const {
    const auto found = num_outputs_.find(&node);
    int64_t count = found == num_outputs_.end() ? 1 : std::max(found->second, 1);
    for (const char* name : {"num_split", "num"}) {
      const bool is_splitter = node.op == "Split" || node.op == "SplitV" || node.op == "Unpack";
      if (is_splitter) count = std::max(count, std::min<int64_t>(node.attrs.Int(name), 1024));
    }
    return static_cast<size_t>(std::min<int64_t>(count, 1024));
  }

  Status Import(const TfNode& node) {
    if (values_.count(Key(node.name, 0))) return Status::Ok();
    if (node.op == "NoOp") return Status::Ok();
    if (node.op == "Const") {
      const Tensor* value = node.attrs.TensorOf("value");
      if (value == nullptr) return Status(Code::kInvalidModel, "constant '" + node.name + "' has no value");
      values_[Key(node.name, 0)] = builder_.Constant(node.name, *value);
      return Status::Ok();
    }
    if (node.op == "Placeholder") {
      SLIPWAY_ASSIGN_OR_RETURN(values_[Key(node.name, 0)], AddInput(node, node.name, DeclaredType(node)));
      return Status::Ok();
    }
    ForeignNode foreign = Foreign(node);
    for (const std::string& text : node.inputs) {
      const TfInput input = ParseInput(text);
      if (input.is_control) continue;
      const auto found = values_.find(Key(input.node, input.index));
      foreign.inputs.push_back(found == values_.end() ? kNoValue : found->second);
    }
    const bool is_blocked = std::count(foreign.inputs.begin(), foreign.inputs.end(), kNoValue) > 0;
    if (is_blocked) {  // its producer has failed and been listed; what no record reads is listed all the same
      if (FindForeign(Format::kTensorflow, "", node.op, 1).op == nullptr)
        unsupported_.Add(foreign, builder_, Status(Code::kUnsupported, "not supported"));
      return Status::Ok();
    }
    const size_t num_outputs = CountOutputs(node);
    for (size_t i = 0; i < num_outputs; ++i) {
      foreign.outputs.push_back({i ? Key(node.name, static_cast<int>(i)) : node.name, {}, {}, {}});
    }
    auto bound = ImportNode(foreign, builder_);
    if (!bound.ok()) {
      if (bound.status().code() != Code::kUnsupported) return bound.status();
      unsupported_.Add(foreign, builder_, bound.status());
      return Status::Ok();
    }
    for (size_t i = 0; i < bound->size(); ++i) {
      if ((*bound)[i] != kNoValue) values_[Key(node.name, static_cast<int>(i))] = (*bound)[i];
    }
    return Status::Ok();
  }

  Status BindOutputs() {
    Graph& graph = model_.graph;
    for (const std::string& output : outputs_) {
      const TfInput at = ParseInput(output);
      const auto found = values_.find(Key(at.node, at.index));
      if (found == values_.end()) return Unknown("--output", output);
      graph.outputs.push_back(found->second);
    }
    if (graph.outputs.empty())
      return Status(Code::kInvalidModel, "the graph has no outputs", "name one with --output");
    return Status::Ok();
  }

  // Drops nodes that import helpers left without readers.
  Status Prune() {
    Graph& graph = model_.graph;
    std::vector<bool> is_needed(graph.values.size(), false);
    for (ValueId id : graph.outputs) is_needed[static_cast<size_t>(id)] = true;
    std::vector<bool> is_dropped(graph.nodes.size(), true);
    for (size_t i = graph.nodes.size(); i-- > 0;) {
      const Node& node = graph.nodes[i];
      for (ValueId id : node.outputs) {
        if (id != kNoValue && is_needed[static_cast<size_t>(id)]) is_dropped[i] = false;
      }
      if (is_dropped[i]) continue;
      for (ValueId id : node.inputs) {
        if (id != kNoValue) is_needed[static_cast<size_t>(id)] = true;
      }
    }
    graph.Compact(is_dropped);
    return Status::Ok();
  }

  const TfGraph& source_;
  const ImportOptions& options_;
  ImportedModel model_;
  GraphBuilder builder_;
  std::map<std::string, ValueId> values_;  // by Key
  std::vector<std::string> outputs_;
  enum class State { kNew, kOpen, kDone };
  std::map<const TfNode*, State> states_;
  std::vector<const TfNode*> order_;
  std::map<const TfNode*, int> num_outputs_;  // that somebody reads
  std::optional<Preprocessor> preprocessor_;
  UnsupportedNodes unsupported_;
};

}  // namespace

Result<ImportedModel> ImportGraph(const TfGraph& graph, const ImportOptions& options) {
  return Importer(graph, options).Run();
}

}  // namespace slipway::tensorflow

namespace slipway {

Result<ImportedModel> ImportGraphDef(const ModelFile& file, const ImportOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(const tensorflow::TfGraph graph,
                           tensorflow::DecodeGraphDef(file.file.bytes(), file.file.owner()));
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
