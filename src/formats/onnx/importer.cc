// The main graph: its inputs, outputs and versions, and where the user cuts it.
#include "formats/onnx/importer.h"

#include <algorithm>

#include "base/nearest.h"
#include "formats/onnx/onnx.h"

namespace slipway::onnx {
namespace {

constexpr int64_t kMaxIrVersion = 13;
constexpr int64_t kMaxOpset = 27;

const InputCut* FindCut(const ImportOptions& options, std::string_view name) {
  for (const InputCut& cut : options.inputs) {
    if (cut.name == name) return &cut;
  }
  return nullptr;
}

std::vector<std::string> SymbolsOf(const GraphProto& graph) {
  std::set<std::string> symbols;
  for (const ValueInfoProto& input : graph.inputs) {
    if (!input.type.shape) continue;
    for (const Dim& dim : *input.type.shape) {
      if (dim.IsNamed()) symbols.insert(dim.symbol());
    }
  }
  return {symbols.begin(), symbols.end()};
}

}  // namespace

Status ModelImporter::CheckVersions() const {
  if (model_.ir_version > kMaxIrVersion) {
    return Status(Code::kUnsupported,
                  "the model has IR version " + std::to_string(model_.ir_version) + "; Slipway reads up to " +
                      std::to_string(kMaxIrVersion),
                  "export it for an older ONNX version");
  }
  for (const OpsetProto& opset : model_.opsets) {
    if (!opset.domain.empty() || opset.version <= kMaxOpset) continue;
    return Status(Code::kUnsupported,
                  "the model uses opset " + std::to_string(opset.version) + "; Slipway reads up to " +
                      std::to_string(kMaxOpset),
                  "export it with opset_version=" + std::to_string(kMaxOpset) + " or lower");
  }
  return Status::Ok();
}

// " (did you mean 'x'?)" among every value of the main graph.
std::string ModelImporter::KnownNamesLike(std::string_view name) const {
  std::vector<std::string_view> known;
  for (const ValueInfoProto& input : model_.graph.inputs) known.push_back(input.name);
  for (const NodeProto& node : model_.graph.nodes) {
    known.insert(known.end(), node.outputs.begin(), node.outputs.end());
  }
  return DidYouMean(name, known);
}

Status ModelImporter::CheckCuts(const std::vector<std::string_view>& outputs) const {
  std::set<std::string_view> known;
  for (const ValueInfoProto& input : model_.graph.inputs) known.insert(input.name);
  for (const InitializerProto& initializer : model_.graph.initializers) known.insert(initializer.name);
  for (const NodeProto& node : model_.graph.nodes) known.insert(node.outputs.begin(), node.outputs.end());
  for (const InputCut& cut : options_.inputs) {
    if (!known.count(cut.name)) {
      return Status(Code::kUsage, "no value is called '" + cut.name + "'" + KnownNamesLike(cut.name));
    }
  }
  for (std::string_view name : outputs) {
    if (!known.count(name)) {
      return Status(options_.outputs.empty() ? Code::kInvalidModel : Code::kUsage,
                    "output '" + std::string(name) + "' is made by no node" + KnownNamesLike(name));
    }
  }
  return CheckDimNames(options_, SymbolsOf(model_.graph));
}

// The source's inputs (initialisers are defaults, not inputs), with the user's shapes; then values the user
// cuts at.
Status ModelImporter::AddInputs(Scope& scope, std::set<std::string_view>& given) {
  for (const ValueInfoProto& input : model_.graph.inputs) {
    const InputCut* cut = FindCut(options_, input.name);
    if (scope.initializers.count(input.name)) {
      if (cut == nullptr) continue;
      scope.initializers.erase(input.name);
    }
    Type type = DeclaredType(input.type);
    if (cut != nullptr && cut->shape) type.shape = cut->shape;
    given.insert(input.name);
    SLIPWAY_RETURN_IF_ERROR(
        Define(scope, input.name, scope.state->builder.Input(std::string(input.name), std::move(type))));
  }
  for (const InputCut& cut : options_.inputs) {
    if (given.count(cut.name)) continue;
    scope.initializers.erase(cut.name);
    Type type;
    if (const auto found = scope.declared.find(cut.name); found != scope.declared.end()) {
      type = DeclaredType(*found->second);
    }
    if (cut.dtype) type.dtype = *cut.dtype;
    if (type.dtype == DType::kNone) {
      type.dtype = DType::kF32;
      notes_.push_back("input '" + cut.name + "' has no declared type: taken to be f32");
    }
    if (cut.shape) type.shape = cut.shape;
    given.insert(cut.name);
    SLIPWAY_RETURN_IF_ERROR(Define(scope, cut.name, scope.state->builder.Input(cut.name, std::move(type))));
  }
  return Status::Ok();
}

// An output keeps the source's name even where an operator that does nothing was left out before it.
Status ModelImporter::NameOutput(Graph& graph, size_t index, std::string_view name, GraphBuilder& builder) {
  const ValueId id = graph.outputs[index];
  const std::string& current = graph.value(id).name;
  if (current == name) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId same, builder.Add("Identity", {id}, {}, std::string(name)));
  graph.outputs[index] = same;
  return Status::Ok();
}

Status ModelImporter::AddOutputs(Scope& scope, const std::vector<std::string_view>& names) {
  Graph& graph = scope.state->graph;
  for (std::string_view name : names) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId id, Resolve(scope, name));
    graph.outputs.push_back(id);
  }
  SLIPWAY_RETURN_IF_ERROR(unsupported_.ToStatus(graph, options_.support));
  scope.state->builder.SetSources({});
  for (size_t i = 0; i < names.size(); ++i) {
    SLIPWAY_RETURN_IF_ERROR(NameOutput(graph, i, names[i], scope.state->builder));
  }
  if (options_.inputs.empty()) return Status::Ok();
  // Inputs behind a cut are no longer read.
  const std::vector<int> uses = graph.UseCounts();
  std::erase_if(graph.inputs, [&](ValueId id) {
    const bool is_asked_for = FindCut(options_, graph.value(id).name) != nullptr;
    return !is_asked_for && uses[static_cast<size_t>(id)] == 0;
  });
  graph.Compact(std::vector<bool>(graph.nodes.size(), false));
  return Status::Ok();
}

Result<ImportedModel> ModelImporter::Run() {
  SLIPWAY_RETURN_IF_ERROR(CheckVersions());
  std::vector<std::string_view> outputs(options_.outputs.begin(), options_.outputs.end());
  if (outputs.empty()) {
    for (const ValueInfoProto& output : model_.graph.outputs) outputs.push_back(output.name);
  }
  if (outputs.empty()) return Status(Code::kInvalidModel, "the ONNX model has no outputs");
  SLIPWAY_RETURN_IF_ERROR(CheckCuts(outputs));
  is_reshaped_ = std::any_of(options_.inputs.begin(), options_.inputs.end(),
                             [](const InputCut& cut) { return cut.shape.has_value(); });

  GraphState state;
  state.graph.name = std::string(model_.graph.name);
  Scope scope;
  scope.state = &state;
  scope.opsets = &model_.opsets;
  SLIPWAY_RETURN_IF_ERROR(Declare(scope, model_.graph));
  std::set<std::string_view> given;
  SLIPWAY_RETURN_IF_ERROR(AddInputs(scope, given));
  SLIPWAY_RETURN_IF_ERROR(ImportNodes(scope, model_.graph.nodes, outputs, given));
  SLIPWAY_RETURN_IF_ERROR(AddOutputs(scope, outputs));
  NoteIgnoredAttributes();
  if (model_.has_training_info) notes_.push_back("training information is left out");

  ImportedModel imported;
  imported.graph = std::move(state.graph);
  imported.notes = std::move(notes_);
  imported.format = "onnx";
  return imported;
}

}  // namespace slipway::onnx

namespace slipway {

Result<ImportedModel> ImportOnnxBytes(std::string_view bytes, onnx::TensorSource source,
                                      const ImportOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(const onnx::ModelProto model, onnx::DecodeModel(bytes));
  return onnx::ModelImporter(model, source, options).Run();
}

Result<ImportedModel> ImportOnnx(const ModelFile& file, const ImportOptions& options) {
  onnx::TensorSource source;
  source.owner = file.file.owner();
  source.is_mapped = true;
  const size_t slash = file.path.rfind('/');
  source.directory = slash == std::string::npos ? "." : slash == 0 ? "/" : file.path.substr(0, slash);
  return ImportOnnxBytes(file.text(), std::move(source), options);
}

}  // namespace slipway
