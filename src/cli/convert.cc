// slipway convert: any model into one .slip file.
#include <fmt/format.h>

#include <filesystem>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/golden.h"
#include "cli/model_flags.h"
#include "cli/out_path.h"
#include "plan/half_weights.h"
#include "plugin/nodes.h"

namespace slipway::cli {
namespace {

struct ConvertFlags {
  ModelFlags model;
  std::string path;
  bool has_no_golden = false;
  std::string weights;  // "f32", "f16", "": as they are
};

// The golden vectors are those of the weights before; what rounding does to them is said.
Status StoreHalves(SlipModel& model, bool can_run, bool has_no_golden) {
  if (has_no_golden) model.golden.clear();
  model.tuned.clear();  // packed from the weights as they were
  const HalfWeightsReport report = RoundWeightsToHalves(model.graph);
  model.has_half_weights = true;
  for (const std::string& name : report.kept)
    PrintNote("weights '" + name + "' hold what f16 does not: they stay f32");
  std::string text = fmt::format("{} weights of {} are stored as f16", report.rounded,
                                 HumanBytes(static_cast<double>(report.bytes)));
  if (can_run && !model.golden.empty()) {
    SLIPWAY_ASSIGN_OR_RETURN(const double worst, WidenGolden(model));
    text += fmt::format("; the golden vectors change by {:.1e} of an output's largest value", worst);
  }
  PrintNote(text);
  return Status::Ok();
}

Status Convert(const ConvertFlags& options) {
  const ModelFlags& flags = options.model;
  std::string path = options.path;
  const bool wants_golden = !options.has_no_golden;
  SLIPWAY_RETURN_IF_ERROR(CheckOutPath(path));
  SLIPWAY_ASSIGN_OR_RETURN(LoadedModel loaded, flags.Load());
  SlipModel& model = loaded.model;
  model.manifest = CompleteManifestOf(loaded);
  const bool can_run = WaitingNodes(model.graph).empty();
  if (wants_golden && !can_run)
    PrintNote("no golden vector is made: the model runs once its plugins are given");
  if (wants_golden && can_run && model.golden.empty()) SLIPWAY_RETURN_IF_ERROR(AddGolden(model));
  if (options.weights == "f32") model.has_half_weights = false;
  if (options.weights == "f16") SLIPWAY_RETURN_IF_ERROR(StoreHalves(model, can_run, options.has_no_golden));
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
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App* command = app.add_subcommand("convert", "turn any model into one .slip file");
  flags->model.AddModel(command);
  command->add_option("-o,--out", flags->path, "the file to write; default: the model's name with .slip");
  command->add_flag("--no-golden", flags->has_no_golden, "leave the self-test vectors out");
  command
      ->add_option(
          "--weights", flags->weights,
          "how large f32 weights are stored: f32, or f16 in half the room, read as f32; default: as the "
          "model has them")
      ->check(CLI::IsMember({"f32", "f16"}));
  flags->model.AddManifest(command);
  command->callback([&action, flags] { action = [flags] { return Convert(*flags); }; });
}

}  // namespace slipway::cli
