// slipway convert: any model into one .slip file.
#include <fmt/format.h>

#include <filesystem>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/golden.h"
#include "cli/model_flags.h"
#include "cli/out_path.h"
#include "plugin/nodes.h"

namespace slipway::cli {
namespace {

Status Convert(const ModelFlags& flags, std::string path, bool wants_golden) {
  SLIPWAY_RETURN_IF_ERROR(CheckFolderOf(path));
  SLIPWAY_ASSIGN_OR_RETURN(LoadedModel loaded, flags.Load());
  SlipModel& model = loaded.model;
  model.manifest = CompleteManifestOf(loaded);
  const bool can_run = WaitingNodes(model.graph).empty();
  if (wants_golden && !can_run)
    PrintNote("no golden vector is made: the model runs once its plugins are given");
  if (wants_golden && can_run && model.golden.empty()) SLIPWAY_RETURN_IF_ERROR(AddGolden(model));
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
