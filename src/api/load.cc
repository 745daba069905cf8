#include "api/load.h"

#include <algorithm>

#include "api/codecs.h"
#include "api/tuned.h"
#include "base/nearest.h"
#include "formats/registry/import_model.h"
#include "formats/wts/fill.h"
#include "ops/dynamic_ops.h"
#include "ops/op.h"
#include "plugin/nodes.h"

namespace slipway {
namespace {

Status Override(SlipModel& model, const std::vector<std::string>& overrides) {
  for (const std::string& json : overrides) {
    const Manifest base = model.manifest ? *model.manifest : Manifest();
    SLIPWAY_ASSIGN_OR_RETURN(model.manifest, OverrideManifest(base, json));
  }
  return Status::Ok();
}

Status DeclareRanges(SlipModel& model, const std::map<std::string, DimRange>& ranges) {
  const std::vector<std::string> symbols = InputSymbols(model.graph);
  const std::vector<std::string_view> known(symbols.begin(), symbols.end());
  for (const auto& [symbol, range] : ranges) {
    if (std::find(symbols.begin(), symbols.end(), symbol) != symbols.end()) continue;
    return Status(Code::kUsage,
                  "no input has an open dimension called '" + symbol + "'" + DidYouMean(symbol, known));
  }
  model.ranges = ranges;
  return Status::Ok();
}

// A network that answers differently on every run was most often exported in training mode.
void NoteRandomNodes(const Graph& graph, std::vector<std::string>& notes) {
  size_t count = 0;
  std::string first;
  for (const Node& node : graph.nodes) {
    const OpDef* op = FindOp(node.op);
    if (op == nullptr || op->is_deterministic || ParseCustomOp(node.op)) continue;
    if (++count == 1) first = node.name;
  }
  if (count == 0) return;
  const std::string who = count == 1 ? "' draws" : "' and " + std::to_string(count - 1) + " more draw";
  notes.push_back(
      "node '" + first + who +
      " random numbers: answers differ from run to run. Was the model exported in training mode, with "
      "its dropout?");
}

// "'a', 'b' and 5 more"
std::string SomeOf(const std::vector<std::string>& names) {
  constexpr size_t kMost = 8;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) text += (i == 0 ? "'" : ", '") + names[i] + "'";
  return names.size() <= kMost ? text : text + " and " + std::to_string(names.size() - kMost) + " more";
}

Status FillFrom(const LoadOptions& options, Graph& graph, std::vector<std::string>& notes) {
  const std::string& path = options.wts_path;
  SLIPWAY_ASSIGN_OR_RETURN(const WtsWeights weights, ReadWts(path));
  SLIPWAY_ASSIGN_OR_RETURN(const FillReport report,
                           FillWeights(graph, weights, path, {.leaves_unknown = options.leaves_unknown_wts}));
  if (!report.kept.empty())
    notes.push_back("not in '" + path + "', so kept as the model has them: " + SomeOf(report.kept));
  if (!report.unknown.empty())
    notes.push_back("of '" + path +
                    "' left out, the model has no constants of these names: " + SomeOf(report.unknown));
  return Status::Ok();
}

Result<LoadedModel> Import(const std::string& path, const LoadOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(ImportedModel imported, ImportModel(path, options.import));
  LoadedModel loaded;
  loaded.model.producer = ProducerName();
  loaded.model.source_format = imported.format;
  loaded.model.graph = std::move(imported.graph);
  loaded.model.manifest = std::move(imported.manifest);
  loaded.notes = std::move(imported.notes);
  if (!options.wts_path.empty()) SLIPWAY_RETURN_IF_ERROR(FillFrom(options, loaded.model.graph, loaded.notes));
  for (const std::string& node : WaitingNodes(loaded.model.graph))
    loaded.notes.push_back("no operator is known for " + node + ": it is kept for a plugin given later");
  NoteRandomNodes(loaded.model.graph, loaded.notes);
  SLIPWAY_RETURN_IF_ERROR(DeclareRanges(loaded.model, options.ranges));
  return loaded;
}

Result<LoadedModel> Read(const std::string& path, const LoadOptions& options) {
  const bool has_cuts = !options.import.inputs.empty() || !options.import.outputs.empty() ||
                        !options.import.dims.empty() || !options.ranges.empty() ||
                        !options.import.signature.empty();
  if (has_cuts) {
    return Status(
        Code::kUsage,
        "'" + path + "' is converted already: --input, --output, --dim and --signature have no effect",
        "give them when converting the source model");
  }
  if (!options.wts_path.empty())
    return Status(
        Code::kUsage,
        "'" + path + "' is converted already: --wts has no effect, its weights have been rearranged",
        "give it when converting the source model");
  LoadedModel loaded;
  SlipReadOptions read;
  if (options.engine) {
    SLIPWAY_ASSIGN_OR_RETURN(read.target, TargetOf(*options.engine));
  }
  SLIPWAY_ASSIGN_OR_RETURN(loaded.model, ReadSlip(path, read));
  loaded.was_slip = true;
  auto given = GivePlugins(loaded.model.graph);
  if (!given.ok()) return given.status().WithContext("'" + path + "'");
  if (*given > 0 && options.is_optimized) {
    // The shapes behind the plugins are known only now. What was packed is of the graph before.
    if (const Status checked = CheckUnread(loaded.model.unread); !checked.ok())
      return checked.WithContext("'" + path + "'");
    loaded.model.unread.clear();
    loaded.model.tuned.clear();
    SLIPWAY_ASSIGN_OR_RETURN(loaded.passes, Optimize(loaded.model.graph, options.passes));
  }
  return loaded;
}

}  // namespace

Result<LoadedModel> LoadModel(const std::string& path, const LoadOptions& options) {
  InstallCodecs();
  SLIPWAY_ASSIGN_OR_RETURN(FileKind kind, KindOfFile(path));
  auto read = kind == FileKind::kSlip ? Read(path, options) : Import(path, options);
  if (!read.ok()) return read.status();
  LoadedModel& loaded = *read;
  SLIPWAY_RETURN_IF_ERROR(Override(loaded.model, options.manifest_overrides));
  if (options.is_optimized && !loaded.was_slip) {
    SLIPWAY_ASSIGN_OR_RETURN(loaded.passes, Optimize(loaded.model.graph, options.passes));
  }
  return std::move(read).value();
}

std::string ProducerName() { return "slipway " SLIPWAY_VERSION; }

}  // namespace slipway
