#include "formats/tensorflow/saved_model.h"

#include <algorithm>
#include <filesystem>

#include "formats/tensorflow/import.h"
#include "formats/tensorflow/inline.h"
#include "formats/tensorflow/meta_graph.h"
#include "formats/tensorflow/tables.h"
#include "formats/tensorflow/variables.h"

namespace slipway::tensorflow {
namespace {

Result<GraphPorts> PortsOf(const Signature& signature) {
  GraphPorts ports;
  for (const SignaturePort& port : signature.inputs) {
    if (port.tensor.empty())
      return Status(Code::kUnsupported,
                    "input '" + port.name + "' of signature '" + signature.name + "' is sparse or ragged",
                    "export a signature of dense tensors");
    ports.inputs.push_back({port.name, port.tensor, port.type});
  }
  for (const SignaturePort& port : signature.outputs) {
    if (port.tensor.empty())
      return Status(Code::kUnsupported,
                    "output '" + port.name + "' of signature '" + signature.name + "' is sparse or ragged",
                    "export a signature of dense tensors");
    ports.outputs.push_back({port.name, port.tensor, port.type});
  }
  return ports;
}

// The outermost node that `name` may lie within: "call" of "call/body/node:1".
std::string OutermostOf(const TfGraph& graph, const std::string& name) {
  std::string node = ParseInput(name).node;
  while (graph.Find(node) == nullptr) {
    const size_t slash = node.rfind('/');
    if (slash == std::string::npos) return name;
    node.resize(slash);
  }
  return node;
}

// Nodes of the graph, calls not yet inlined, that what is to be imported needs: saving and restoring stay
// out.
TfGraph PartFor(const TfGraph& graph, const GraphPorts& ports, const ImportOptions& options) {
  std::vector<std::string> roots;
  for (const GraphPorts::Port& port : ports.outputs) roots.push_back(port.tensor);
  for (const GraphPorts::Port& port : ports.inputs) roots.push_back(port.tensor);
  for (const std::string& output : options.outputs) roots.push_back(OutermostOf(graph, output));
  for (const InputCut& cut : options.inputs) roots.push_back(OutermostOf(graph, cut.name));
  return NodesBehind(graph, roots);
}

void NoteAssignments(const TfGraph& graph, std::vector<std::string>& notes) {
  for (const TfNode& node : graph.nodes) {
    if (!node.op.starts_with("Assign")) continue;
    notes.push_back("the graph changes variables (" + node.op + " '" + node.name +
                    "'): every run starts from the values in the file");
    return;
  }
}

}  // namespace

Result<ImportedModel> ImportSavedModel(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner,
                                       const Checkpoint* checkpoint, const ImportOptions& options,
                                       const ReadAssetFn& read_asset) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<MetaGraph> graphs, DecodeSavedModel(bytes));
  SLIPWAY_ASSIGN_OR_RETURN(const MetaGraph* chosen, ChooseMetaGraph(graphs));
  SLIPWAY_ASSIGN_OR_RETURN(const auto ops, DecodeOpList(chosen->op_list));
  SLIPWAY_ASSIGN_OR_RETURN(const TfGraph whole, DecodeGraphDef(chosen->graph_def, std::move(owner), ops));
  SLIPWAY_ASSIGN_OR_RETURN(const Signature* signature, ChooseSignature(*chosen, options.signature));
  GraphPorts ports;
  if (signature != nullptr) {
    SLIPWAY_ASSIGN_OR_RETURN(ports, PortsOf(*signature));
  }
  const TfGraph part = signature != nullptr ? PartFor(whole, ports, options) : whole;
  SLIPWAY_ASSIGN_OR_RETURN(TfGraph graph, InlineCalls(part));
  std::vector<std::string> notes;
  NoteAssignments(graph, notes);
  std::vector<std::string> filling = chosen->init_ops;
  if (!chosen->restore_op.empty()) filling.push_back(chosen->restore_op);
  SLIPWAY_RETURN_IF_ERROR(FillTables(graph, whole, filling, {checkpoint, chosen->assets, read_asset}));
  SLIPWAY_RETURN_IF_ERROR(SubstituteVariables(graph, whole, chosen->restore_op, checkpoint));
  SLIPWAY_ASSIGN_OR_RETURN(ImportedModel model, ImportGraph(graph, options, ports));
  model.notes.insert(model.notes.begin(), notes.begin(), notes.end());
  model.format = "savedmodel";
  return model;
}

}  // namespace slipway::tensorflow

namespace slipway {

Result<ImportedModel> ImportSavedModel(const ModelFile& file, const ImportOptions& options) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(file.path).parent_path();
  // Names come from the file: they may not lead out of the folder.
  const tensorflow::ReadAssetFn read_asset = [&](const std::string& name) -> Result<std::string> {
    const fs::path path(name);
    const bool leads_out = path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end();
    if (name.empty() || leads_out)
      return Status(Code::kInvalidModel, "asset '" + name + "' is no file in the model's folder 'assets'");
    auto content = ReadFile((folder / "assets" / path).string());
    if (!content.ok())
      return Status(Code::kInvalidModel, "asset '" + name + "' cannot be read: " + content.status().message(),
                    "copy the folder 'assets' of the SavedModel along");
    return content;
  };
  const fs::path prefix = folder / "variables" / "variables";
  std::error_code error;
  if (!fs::exists(prefix.string() + ".index", error))
    return tensorflow::ImportSavedModel(file.file.bytes(), file.file.owner(), nullptr, options, read_asset);
  SLIPWAY_ASSIGN_OR_RETURN(const tensorflow::Checkpoint checkpoint,
                           tensorflow::Checkpoint::Open(prefix.string()));
  return tensorflow::ImportSavedModel(file.file.bytes(), file.file.owner(), &checkpoint, options, read_asset);
}

}  // namespace slipway
