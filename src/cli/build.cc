// slipway build: a model into one .slip file that is tuned for this machine.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "api/tuned.h"
#include "build/section.h"
#include "cli/choose_by_time.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/golden.h"
#include "cli/measured_model.h"
#include "cli/model_error.h"
#include "cli/model_flags.h"
#include "cli/number_check.h"
#include "cli/out_path.h"
#include "cli/random_input.h"
#include "cli/try_bf16.h"
#include "plugin/nodes.h"

namespace slipway::cli {
namespace {

struct BuildFlags {
  ModelFlags model;
  std::string path;
  bool is_untimed = false;
  bool has_no_golden = false;
  double max_error = 1e-4;
  std::string report_path;
};

Result<ModelError> ErrorOf(const SlipModel& model, const EngineOptions& options) {
  const std::vector<Tensor> inputs = SampleInputs(model);
  SLIPWAY_ASSIGN_OR_RETURN(const auto plain, PlainAnswers(model.graph, options, inputs));
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, Engine::Create(model.graph, options));
  const auto context = engine->NewContext();
  return MeasureError(*engine, *context, inputs, plain);
}

// Says what the chosen tactics do to the answers; an error where that is too much.
Status CheckError(const SlipModel& model, const std::vector<Choice>& choices, EngineOptions options,
                  double max_error) {
  const auto rounds_more = [](const Choice& choice) {
    return choice.tactic->RelativeError() > kStrictRelativeError ||
           choice.tactic->precision() != Precision::kF32;
  };
  const auto count = std::count_if(choices.begin(), choices.end(), rounds_more);
  if (count == 0) {
    fmt::print("accuracy: no kernel rounds more than plain sums\n");
    return Status::Ok();
  }
  options.tactics = TacticNames(choices);
  const auto error = ErrorOf(model, options);
  if (!error.ok()) {
    PrintNote("the error of the chosen kernels is not measured: " + error.status().message());
    return Status::Ok();
  }
  fmt::print("accuracy: {} of {} kernels round more than plain sums; the largest error is {:.1e} of the {}\n",
             count, choices.size(), error->relative,
             error->output.empty() ? "outputs" : "largest value of '" + error->output + "'");
  if (error->relative <= max_error || options.precision != Precision::kF32) return Status::Ok();
  return Status(
      Code::kMismatch,
      fmt::format("the chosen kernels change output '{}' by {:.1e} of its largest value, allowed is {:.0e}",
                  error->output, error->relative, max_error),
      "--accuracy strict leaves such kernels out; --max-error allows more");
}

// Runs the network with what was chosen, and draws it beside what was not.
Status Report(const BuildFlags& flags, const SlipModel& model, const std::vector<Choice>& choices,
              EngineOptions options) {
  options.tactics = TacticNames(choices);
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, Engine::Create(model.graph, options));
  const auto context = engine->NewContext();
  const std::vector<Tensor> inputs = SampleInputs(model);
  ProfileOptions profiling;
  profiling.choices = choices;
  SLIPWAY_ASSIGN_OR_RETURN(Profile profile, MeasureProfile(*engine, *context, inputs, profiling));
  profile.model = flags.model.model;
  profile.backend = flags.model.backend;
  return WriteReport(flags.report_path, profile);
}

// A line on what --precision bf16 would do, where there is such a choice.
void PrintBf16(const SlipModel& model, const EngineOptions& options) {
  const auto backends = BackendsFor(model.graph, options);
  if (!backends.ok() || WhyNo(Precision::kBf16, *backends)) return;
  const auto trial = TryBf16(model.graph, options, SampleInputs(model));
  if (trial.ok()) fmt::print("{} (--precision bf16)\n", trial->ToString());
}

Status Build(const BuildFlags& flags) {
  SLIPWAY_RETURN_IF_ERROR(CheckReportPath(flags.report_path));
  std::string path = flags.path;
  if (path.empty()) path = std::filesystem::path(flags.model.model).replace_extension(".slip").string();
  SLIPWAY_RETURN_IF_ERROR(CheckOutPath(path));
  const TimingFlags timing{flags.model.timing_caches, flags.is_untimed ? 0 : flags.model.tune_seconds};
  for (const std::string& cache : timing.WrittenPaths()) SLIPWAY_RETURN_IF_ERROR(CheckOutPath(cache));
  SLIPWAY_ASSIGN_OR_RETURN(EngineOptions options, flags.model.ToEngineOptions());
  SLIPWAY_ASSIGN_OR_RETURN(LoadedModel loaded, flags.model.Load());
  SlipModel& model = loaded.model;
  model.manifest = CompleteManifestOf(loaded);
  if (const auto waiting = WaitingNodes(model.graph); !waiting.empty()) {
    return Status(Code::kUnsupported, "kernels cannot be chosen: no operator is known for " + waiting.front(),
                  "give its library with --plugin");
  }
  options.ranges = model.ranges;
  if (!loaded.was_slip && !flags.has_no_golden) SLIPWAY_RETURN_IF_ERROR(AddGolden(model));
  if (flags.model.IsPrecisionAuto()) {
    SLIPWAY_ASSIGN_OR_RETURN(options.precision, ChoosePrecision(model, options, flags.model.bf16_budget));
  } else if (options.precision == Precision::kF32 && options.accuracy == Accuracy::kDefault) {
    PrintBf16(model, options);
  }
  SLIPWAY_ASSIGN_OR_RETURN(const auto choices, ChooseByTime(model.graph, timing, options));
  SLIPWAY_RETURN_IF_ERROR(CheckError(model, choices, options, flags.max_error));
  if (!flags.report_path.empty()) SLIPWAY_RETURN_IF_ERROR(Report(flags, model, choices, options));
  SLIPWAY_ASSIGN_OR_RETURN(std::string target, TargetOf(options));
  SLIPWAY_ASSIGN_OR_RETURN(TunedSection section, MakeSection(model.graph, choices, target));
  double packed_bytes = 0;
  for (const TunedSection::Step& step : section.steps) {
    for (const PackedPart& part : step.parts) packed_bytes += static_cast<double>(part.bytes.size());
  }
  PutSection(std::move(section), model);
  SLIPWAY_RETURN_IF_ERROR(WriteSlip(path, model));
  std::error_code error;
  fmt::print("{}: {} nodes, {} of weights, {} packed, {}\n  tuned for {}\n", path, model.graph.nodes.size(),
             HumanBytes(static_cast<double>(ConstantBytes(model.graph))), HumanBytes(packed_bytes),
             HumanBytes(static_cast<double>(std::filesystem::file_size(path, error))), target);
  return Status::Ok();
}

}  // namespace

void AddBuild(CLI::App& app, Action& action) {
  auto flags = std::make_shared<BuildFlags>();
  flags->model.tune_seconds = 10;
  CLI::App* command =
      app.add_subcommand("build", "turn any model into one .slip file, tuned and packed for this machine");
  flags->model.AddModel(command);
  command->add_option("-o,--out", flags->path, "the file to write; default: the model's name with .slip");
  command->add_flag("--no-tune", flags->is_untimed,
                    "time nothing: timing caches and the cost model choose the kernels");
  command
      ->add_option("--max-error", flags->max_error,
                   "fail where the chosen kernels change an output by more, relative to its largest value")
      ->capture_default_str()
      ->check(NumberFrom(0));
  command->add_option("--report", flags->report_path,
                      "FILE.html: a picture of every step and its alternatives, and FILE.json beside it");
  command->add_flag("--no-golden", flags->has_no_golden, "leave the self-test vectors out");
  flags->model.AddEngine(command);
  flags->model.AddManifest(command);
  command->callback([&action, flags] { action = [flags] { return Build(*flags); }; });
}

}  // namespace slipway::cli
