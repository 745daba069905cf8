#include "formats/tflite/import.h"

#include <algorithm>

#include "base/nearest.h"
#include "formats/tflite/metadata.h"
#include "formats/tflite/subgraph.h"

namespace slipway {
namespace {

using tflite::Cut;
using tflite::TfliteFile;
namespace fb = tflite::fb;

// Names of the main sub-graph's tensors, and of its signature's inputs and outputs.
class TensorNames {
 public:
  explicit TensorNames(const TfliteFile& file) {
    if (const auto* tensors = file.model().subgraphs()->Get(0)->tensors()) {
      num_tensors_ = tensors->size();
      for (uint32_t i = 0; i < num_tensors_; ++i) {
        const auto* name = tensors->Get(i)->name();
        if (name != nullptr) names_.emplace(name->str(), static_cast<int>(i));
      }
    }
    if (const auto* signatures = file.model().signature_defs()) {
      for (const fb::SignatureDef* signature : *signatures) {
        if (signature->subgraph_index() != 0) continue;
        Add(signature->inputs());
        Add(signature->outputs());
      }
    }
  }

  Result<int> Find(const std::string& name) const {
    if (const auto found = names_.find(name); found != names_.end()) return found->second;
    std::vector<std::string_view> known;
    for (const auto& [each, index] : names_) known.push_back(each);
    return Status(Code::kUsage, "the model has no tensor '" + name + "'" + DidYouMean(name, known));
  }

 private:
  void Add(const flatbuffers::Vector<flatbuffers::Offset<fb::TensorMap>>* maps) {
    if (maps == nullptr) return;
    for (const fb::TensorMap* map : *maps) {
      if (map->name() != nullptr && map->tensor_index() < num_tensors_) {
        names_.emplace(map->name()->str(), static_cast<int>(map->tensor_index()));
      }
    }
  }

  uint32_t num_tensors_ = 0;
  std::map<std::string, int, std::less<>> names_;
};

Status ApplyCuts(const TfliteFile& file, const ImportOptions& options, Cut& cut) {
  if (options.inputs.empty() && options.outputs.empty()) return Status::Ok();
  const TensorNames names(file);
  const std::vector<int> own_inputs = cut.inputs;
  std::vector<int> inputs;
  for (const InputCut& input : options.inputs) {
    SLIPWAY_ASSIGN_OR_RETURN(const int index, names.Find(input.name));
    inputs.push_back(index);
    if (input.shape) cut.shapes[index] = *input.shape;
  }
  // Shapes for the model's own inputs leave the others in place.
  const bool is_own = std::all_of(inputs.begin(), inputs.end(), [&](int index) {
    return std::find(own_inputs.begin(), own_inputs.end(), index) != own_inputs.end();
  });
  if (!is_own) {
    cut.inputs = std::move(inputs);
    cut.is_partial = true;
  }
  if (options.outputs.empty()) return Status::Ok();
  cut.outputs.clear();
  cut.is_partial = true;
  for (const std::string& name : options.outputs) {
    SLIPWAY_ASSIGN_OR_RETURN(const int index, names.Find(name));
    cut.outputs.push_back(index);
  }
  return Status::Ok();
}

// Replaces symbols by the user's extents; the file's open extents are named as the importer names them.
Status ApplyDims(const ImportOptions& options, ImportedModel& model) {
  std::vector<std::string> symbols;
  for (ValueId id : model.graph.inputs) {
    Type& type = model.graph.value(id).type;
    for (const Dim& dim : *type.shape) {
      if (dim.IsNamed()) symbols.push_back(dim.symbol());
    }
    type.shape = SubstituteDims(std::move(*type.shape), options.dims);
  }
  std::sort(symbols.begin(), symbols.end());
  symbols.erase(std::unique(symbols.begin(), symbols.end()), symbols.end());
  SLIPWAY_RETURN_IF_ERROR(CheckDimNames(options, symbols));
  return options.dims.empty() ? Status::Ok() : InferGraph(model.graph);
}

void NoteSignatures(const TfliteFile& file, std::vector<std::string>& notes) {
  const auto* signatures = file.model().signature_defs();
  if (signatures == nullptr || signatures->size() < 2) return;
  std::string names;
  for (const fb::SignatureDef* signature : *signatures) {
    if (signature->signature_key() != nullptr)
      names += (names.empty() ? "" : ", ") + signature->signature_key()->str();
  }
  notes.push_back("the model has several signatures (" + names + "); the first sub-graph is read");
}

}  // namespace

Result<ImportedModel> ImportTflite(const ModelFile& file, const ImportOptions& options) {
  return ImportTflite(file.file.bytes(), file.file.owner(), options);
}

Result<ImportedModel> ImportTflite(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner,
                                   const ImportOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(const TfliteFile file, TfliteFile::Open(bytes, std::move(owner)));
  ImportedModel model;
  model.format = "tflite";
  UnsupportedNodes unsupported;
  tflite::SubGraphImporter importer(file, unsupported, model.notes);
  if (options.allow_custom) importer.KeepUnknown();
  SLIPWAY_ASSIGN_OR_RETURN(Cut cut, importer.WholeOf(0));
  SLIPWAY_RETURN_IF_ERROR(ApplyCuts(file, options, cut));
  SLIPWAY_ASSIGN_OR_RETURN(model.graph, importer.Import(0, cut));
  SLIPWAY_RETURN_IF_ERROR(unsupported.ToStatus(model.graph, options.support));
  SLIPWAY_RETURN_IF_ERROR(ApplyDims(options, model));
  NoteSignatures(file, model.notes);
  model.manifest = tflite::ReadMetadata(file, model.graph, model.notes);
  return model;
}

}  // namespace slipway
