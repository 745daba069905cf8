// slipway profile: what every step of a network does, and how near that is to what the machine can do.
#include <fmt/format.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/measured_model.h"
#include "cli/number_check.h"
#include "cli/out_path.h"
#include "report/report_json.h"
#include "report/trace.h"

namespace slipway::cli {
namespace {

struct ProfileFlags {
  ModelFlags model;
  int runs = 30;
  double seconds = 3;
  bool is_json = false;
  bool has_all = false;
  std::string trace_path;
  std::string report_path;
};

constexpr size_t kShown = 25;

// At most `most` characters, the last part of what is longer: names differ at their ends.
std::string Shortened(const std::string& text, size_t most) {
  return text.size() <= most ? text : "..." + text.substr(text.size() - most + 3);
}

std::string Number(const std::optional<double>& value) {
  return value && *value >= 0.05 ? fmt::format("{:.1f}", *value) : "";
}

// "91.3", and behind it what the definition's count would make of it.
std::string GflopsText(const StepProfile& step) {
  if (!step.error.empty()) return "?";
  std::string text = Number(step.gflops());
  if (step.gflops() && *step.flops < *step.defined_flops)
    text = fmt::format("({:.0f}) {}", *step.defined_gflops(), text);
  return text;
}

std::string RoofText(const StepProfile& step) {
  if (!step.error.empty()) return "wrong";
  return step.roof ? fmt::format("{:.0f}% {}", 100 * step.roof->fraction, step.roof->name) : "";
}

std::string SourcesOf(const StepProfile& step) {
  std::string text;
  for (const std::string& source : step.sources) {
    if (source != step.node) text += (text.empty() ? "" : " + ") + source;
  }
  return text;
}

void PrintSteps(const Profile& profile, bool has_all) {
  Table table({">step", ">us", ">%", ">GFLOP/s", ">GB/s", ">of roof", "tactic", "result", "node", "made of"});
  std::vector<size_t> order = profile.SlowestFirst();
  if (has_all) std::sort(order.begin(), order.end());
  double rest_us = 0;
  for (size_t i : order) {
    const StepProfile& step = profile.steps[i];
    if (!has_all && table.row_count() == kShown) {
      rest_us += step.us;
      continue;
    }
    const std::string us = step.within ? fmt::format("in {}", *step.within) : fmt::format("{:.1f}", step.us);
    table.Row({std::to_string(i), step.moves_nothing && !step.within ? "-" : us,
               fmt::format("{:.1f}", 100 * profile.ShareOf(step)), GflopsText(step),
               step.error.empty() ? Number(step.gbytes()) : "?", RoofText(step), step.tactic, step.shape,
               Shortened(step.op + " " + step.node, 44), Shortened(SourcesOf(step), 44)});
  }
  fmt::print("{}", table.ToString());
  if (order.size() > table.row_count())
    fmt::print("and {} more steps of {:.1f} us; --all shows them in the order they run\n",
               order.size() - table.row_count(), rest_us);
}

std::string LevelsText(const Peak& peak) {
  std::string text;
  for (const MemoryLevel& level : peak.levels)
    text += fmt::format("{}{:.0f} from {}", text.empty() ? "" : ", ", level.gbytes, level.name);
  return text;
}

void PrintProfile(const Profile& profile, bool has_all) {
  const Peak& peak = profile.peak;
  fmt::print("{} on {}, {} threads: {:.2f} ms a run, {:.1f} GFLOP/s\n", profile.model, profile.backend,
             profile.threads, profile.median_ms, profile.flops() / profile.median_ms / 1e6);
  fmt::print("{}, {}: {:.0f} GFLOP/s f32", profile.machine.cpu, profile.machine.isa, peak.f32_gflops);
  if (peak.bf16_gflops > 0) fmt::print(", {:.0f} bf16", peak.bf16_gflops);
  fmt::print(", {:.0f} int8; GB/s: {}\n\n", peak.int8_gops, LevelsText(peak));
  PrintSteps(profile, has_all);
}

// The last line of an error that no figure should hide.
Status CheckRates(const Profile& profile) {
  std::string wrong;
  for (const StepProfile& step : profile.steps) {
    if (!step.error.empty()) wrong += "\n  " + step.op + " '" + step.node + "': " + step.error;
  }
  if (wrong.empty()) return Status::Ok();
  return Status(Code::kInternal, "the measurement is wrong: rates above what this machine can do" + wrong,
                "measure again on a machine with nothing else to do; if it stays, please report it");
}

Status RunProfile(const ProfileFlags& flags) {
  SLIPWAY_RETURN_IF_ERROR(CheckReportPath(flags.report_path));
  SLIPWAY_RETURN_IF_ERROR(CheckOutPath(flags.trace_path));
  SLIPWAY_ASSIGN_OR_RETURN(MeasuredModel measured, MeasuredModel::Load(flags.model, {.alternatives = true}));
  ProfileOptions options;
  options.runs = flags.runs;
  options.seconds = flags.seconds;
  Tracer tracer(measured.engine->num_threads());
  if (!flags.trace_path.empty()) options.tracer = &tracer;
  SLIPWAY_ASSIGN_OR_RETURN(const Profile profile, measured.Measure(options));
  if (!flags.trace_path.empty())
    SLIPWAY_RETURN_IF_ERROR(WriteFile(flags.trace_path, ToTraceJson(profile, tracer)));
  if (!flags.report_path.empty()) SLIPWAY_RETURN_IF_ERROR(WriteReport(flags.report_path, profile));
  if (flags.is_json) {
    fmt::print("{}\n",
               ToJson(profile).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else {
    PrintProfile(profile, flags.has_all);
  }
  std::fflush(stdout);
  return CheckRates(profile);
}

}  // namespace

void AddProfile(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ProfileFlags>();
  CLI::App* command =
      app.add_subcommand("profile", "show where the time goes, step by step, against this machine's roofs");
  flags->model.AddModel(command);
  command->add_option("--runs", flags->runs, "at most this many runs, each the median's")
      ->capture_default_str()
      ->check(CLI::Range(3, 1000000));
  command->add_option("--seconds", flags->seconds, "measure about this long")
      ->capture_default_str()
      ->check(NumberWithin(0, 3600));
  command->add_flag("--all", flags->has_all, "every step, in the order they run");
  command->add_option("--trace", flags->trace_path,
                      "FILE.json: a run for ui.perfetto.dev, a track per thread");
  command->add_option("--report", flags->report_path,
                      "FILE.html: a picture of it all, and FILE.json beside it");
  command->add_flag("--json", flags->is_json, "as JSON");
  flags->model.AddEngine(command);
  command->callback([&action, flags] { action = [flags] { return RunProfile(*flags); }; });
}

}  // namespace slipway::cli
