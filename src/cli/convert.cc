// slipway convert: any model into one .slip file.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/scalar.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/model_flags.h"
#include "cli/random_input.h"
#include "tasks/core/guess.h"

namespace slipway::cli {
namespace {

// Inputs from a fixed seed with the reference backend's outputs, so that `slipway doctor` has something to
// check.
Status AddGolden(SlipModel& model) {
  EngineOptions options;
  options.backend = "ref";
  SLIPWAY_ASSIGN_OR_RETURN(auto engine, Engine::Create(model.graph, options));
  GoldenVector golden;
  golden.name = "random";
  for (const PortInfo& port : engine->inputs()) {
    if (!port.type.HasRank()) return Status::Ok();  // no shape to choose
    golden.inputs.push_back(RandomTensor(port, DefaultDims(port.type), 1));
  }
  auto context = engine->NewContext();
  const auto outputs = context->Run(golden.inputs);
  if (!outputs.ok()) {
    // Extents that were left open need not be able to be 1.
    const bool is_chosen = std::any_of(engine->inputs().begin(), engine->inputs().end(),
                                       [](const PortInfo& port) { return !port.type.IsStatic(); });
    return is_chosen ? Status::Ok() : outputs.status();
  }
  for (const Tensor& output : *outputs) golden.outputs.push_back(output.Clone());
  model.golden.push_back(std::move(golden));
  return Status::Ok();
}

Status Convert(const ModelFlags& flags, std::string path, bool wants_golden) {
  SLIPWAY_ASSIGN_OR_RETURN(LoadedModel loaded, flags.Load());
  SlipModel& model = loaded.model;
  std::vector<PortInfo> inputs, outputs;
  for (ValueId id : model.graph.inputs)
    inputs.push_back({model.graph.value(id).name, model.graph.value(id).type, model.graph.value(id).quant});
  for (ValueId id : model.graph.outputs)
    outputs.push_back({model.graph.value(id).name, model.graph.value(id).type, model.graph.value(id).quant});
  const Manifest base = model.manifest.value_or(Manifest());
  model.manifest = tasks::CompleteManifest(base, inputs, outputs);
  PrintNotes(loaded.notes);
  for (size_t i = base.notes.size(); i < model.manifest->notes.size(); ++i)
    PrintNote(model.manifest->notes[i]);
  if (wants_golden && model.golden.empty()) SLIPWAY_RETURN_IF_ERROR(AddGolden(model));
  if (path.empty()) path = std::filesystem::path(flags.model).replace_extension(".slip").string();
  SLIPWAY_RETURN_IF_ERROR(WriteSlip(path, model));
  std::error_code error;
  fmt::print("{}: {} nodes, {} of weights, task {}, {}\n", path, model.graph.nodes.size(),
             HumanBytes(static_cast<double>(ConstantBytes(model.graph))), NameOf(model.manifest->task),
             HumanBytes(static_cast<double>(std::filesystem::file_size(path, error))));
  return Status::Ok();
}

}  // namespace

void AddConvert(CLI::App& app, Action& action) {
  struct Flags {
    ModelFlags model;
    std::string path;
    bool has_no_golden = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("convert", "turn any model into one .slip file");
  flags->model.AddModel(command);
  command->add_option("-o,--out", flags->path, "the file to write; default: the model's name with .slip");
  command->add_flag("--no-golden", flags->has_no_golden, "leave the self-test vectors out");
  flags->model.AddManifest(command);
  command->callback([&action, flags] {
    action = [flags] { return Convert(flags->model, flags->path, !flags->has_no_golden); };
  });
}

}  // namespace slipway::cli
