// slipway extract: one node with its real inputs as a model of its own, for a bug report.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/extract_parts.h"
#include "formats/onnx/cut.h"
#include "formats/onnx/onnx.h"
#include "formats/registry/import_model.h"

namespace slipway::cli {
namespace {

// What the node alone gives. kUnsupported: Slipway cannot read it.
Result<std::vector<std::optional<Tensor>>> RunAlone(const ExtractFlags& flags, const ModelFile& file,
                                                    const onnx::NodeCut& cut,
                                                    const std::vector<std::optional<Tensor>>& inputs) {
  SLIPWAY_ASSIGN_OR_RETURN(
      const std::string bytes,
      FormatCut(file, cut, inputs, std::vector<std::optional<Tensor>>(cut.outputs.size())));
  SLIPWAY_ASSIGN_OR_RETURN(ImportedModel imported, ImportOnnxBytes(bytes, onnx::TensorSource(), {}));
  LoadedModel loaded;
  loaded.model.graph = std::move(imported.graph);
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, flags.model.MakeEngine(loaded));
  std::vector<Tensor> feeds;
  for (const auto& input : inputs) feeds.push_back(*input);
  const auto context = engine->NewContext();
  SLIPWAY_ASSIGN_OR_RETURN(const auto results, context->Run(feeds));
  std::vector<std::optional<Tensor>> outputs;
  for (const Tensor& result : results) outputs.emplace_back(result.Clone());
  return outputs;
}

Result<Extract> ExtractFromOnnx(const ExtractFlags& flags, const ModelFile& file, const onnx::NodeCut& cut) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto inputs, ValuesOf(flags, cut.inputs));
  std::vector<std::optional<Tensor>> outputs(cut.outputs.size());
  const bool is_known =
      std::all_of(inputs.begin(), inputs.end(), [](const auto& input) { return input.has_value(); });
  if (is_known) {
    auto results = RunAlone(flags, file, cut, inputs);
    // A node that cannot be read, or fails, is what a bug report is about: its inputs are there.
    if (results.ok()) {
      outputs = std::move(*results);
    } else {
      PrintNote("without outputs: " + results.status().message());
    }
  }
  Extract extract;
  extract.file_name = "model.onnx";
  SLIPWAY_ASSIGN_OR_RETURN(extract.content, FormatCut(file, cut, inputs, outputs));
  for (size_t i = 0; i < inputs.size(); ++i) extract.inputs.push_back({cut.inputs[i], inputs[i]});
  for (size_t i = 0; i < outputs.size(); ++i) extract.outputs.push_back({cut.outputs[i], outputs[i]});
  return extract;
}

Result<Extract> MakeExtract(const ExtractFlags& flags) {
  const std::string& path = flags.model.model;
  SLIPWAY_ASSIGN_OR_RETURN(const FileKind kind, KindOfFile(path));
  if (kind != FileKind::kOnnx) return ExtractFromGraph(flags);
  ModelFile file;
  file.path = path;
  SLIPWAY_ASSIGN_OR_RETURN(file.file, MappedFile::Open(path));
  const auto cut = onnx::CutNode(file.text(), flags.node);
  if (cut.ok()) return ExtractFromOnnx(flags, file, *cut);
  if (cut.status().code() != Code::kNotFound) return cut.status();
  // Nodes of functions have a place only where they are called.
  auto inlined = ExtractFromGraph(flags);
  return inlined.ok() ? std::move(inlined) : cut.status();
}

// "model_conv1" for conv1 of path/to/model.onnx
std::string FolderFor(const ExtractFlags& flags) {
  std::string name = std::filesystem::path(flags.model.model).stem().string() + "_" + flags.node;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c) && c != '-' && c != '.'; },
      '_');
  return name;
}

std::string Listed(const std::vector<NamedTensor>& values) {
  std::string text;
  for (const NamedTensor& value : values)
    text += (text.empty() ? "" : ", ") + value.name + ": " +
            (value.tensor ? Describe(*value.tensor) : std::string("?"));
  return text.empty() ? "nothing" : text;
}

Status ExtractNode(ExtractFlags flags) {
  SLIPWAY_ASSIGN_OR_RETURN(const Extract extract, MakeExtract(flags));
  if (flags.out.empty()) flags.out = FolderFor(flags);
  SLIPWAY_RETURN_IF_ERROR(WriteExtract(flags.out, extract));
  fmt::print("{}/{}: '{}' takes {}, gives {}\n", flags.out, extract.file_name, flags.node,
             Listed(extract.inputs), Listed(extract.outputs));
  return Status::Ok();
}

}  // namespace

void AddExtract(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ExtractFlags>();
  CLI::App* command = app.add_subcommand("extract", "write one node and its real inputs, for a bug report");
  flags->model.AddModel(command);
  command->add_option(
      "data", flags->data,
      "what the model runs on: NAME=file.npy, file.npy in the order of inputs, file.npz, or a "
      "photo; none: random");
  command->add_option("--node", flags->node, "the node's name, as inspect --graph or --support shows it")
      ->required();
  command->add_option("-o,--out", flags->out, "the folder to write; default: named for model and node");
  command->add_option("--seed", flags->seed, "of random inputs")->capture_default_str();
  flags->model.AddManifest(command);
  flags->model.AddEngine(command);
  command->callback([&action, flags] { action = [flags] { return ExtractNode(*flags); }; });
}

}  // namespace slipway::cli
