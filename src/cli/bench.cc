// slipway bench: how long a model takes here.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/freed_memory.h"
#include "base/thread_pool.h"
#include "base/timing.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/measured_model.h"
#include "cli/number_check.h"
#include "cli/photo_times.h"
#include "cli/throughput.h"
#include "report/hints.h"

namespace slipway::cli {
namespace {

using Json = nlohmann::ordered_json;

struct BenchFlags {
  ModelFlags model;
  double seconds = 3;
  int max_runs = 1000;
  int contexts = 0;  // 0: not asked for
  std::string image_path;
  std::string report_path;
  bool is_json = false;
  bool has_steps = false;
};

struct Measured {
  int threads = 1;
  double load_ms = 0, first_ms = 0;
  std::vector<double> times;  // of warm runs, sorted, ms
  double per_second = 0;
  int64_t arena_bytes = 0;
  double peak_mb = 0;
  std::optional<Throughput> throughput;
  std::optional<PhotoTimes> photo;
  std::optional<Throughput> photos;  // whole ones, decoding included
  Profile profile;
  std::vector<std::string> hints;

  // Nearest-rank percentile.
  double Percentile(double percent) const {
    const auto rank = static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(times.size())));
    return times[std::clamp<size_t>(rank, 1, times.size()) - 1];
  }
  // Of several contexts against one alone.
  double Scaling() const { return throughput->per_second / per_second; }
};

double PeakMegabytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

Status TimeRuns(MeasuredModel& model, const BenchFlags& flags, Measured& measured) {
  const auto first_start = SteadyClock::now();
  SLIPWAY_RETURN_IF_ERROR(model.context->Run(model.inputs).status());
  measured.first_ms = MillisecondsSince(first_start);
  const auto start = SteadyClock::now();
  while (static_cast<int>(measured.times.size()) < flags.max_runs &&
         (measured.times.size() < 3 || MillisecondsSince(start) < flags.seconds * 1000)) {
    const auto run_start = SteadyClock::now();
    SLIPWAY_RETURN_IF_ERROR(model.context->Run(model.inputs).status());
    measured.times.push_back(MillisecondsSince(run_start));
  }
  measured.per_second = static_cast<double>(measured.times.size()) / MillisecondsSince(start) * 1000;
  std::sort(measured.times.begin(), measured.times.end());
  measured.arena_bytes = model.context->arena_bytes();
  measured.peak_mb = PeakMegabytes();
  return Status::Ok();
}

std::vector<std::string> Hints(const MeasuredModel& model, const Measured& measured) {
  std::vector<std::string> hints = HintsFor(measured.profile);
  if (model.how.source == HowChosen::Source::kCostModel && model.flags->backend == "cpu") {
    hints.push_back(
        "the cost model chose the kernels and weights are packed at every load: 'slipway build' times "
        "kernels once and "
        "keeps both in a .slip file");
  }
  if (measured.Percentile(90) > 1.5 * measured.Percentile(50)) {
    hints.push_back(
        fmt::format("one run in ten takes {:.1f} times the median: something else runs on this machine",
                    measured.Percentile(90) / measured.Percentile(50)));
  }
  if (measured.throughput && measured.throughput->contexts * measured.threads > AvailableCores()) {
    hints.push_back(fmt::format("{} contexts of {} thread{} share {} cores", measured.throughput->contexts,
                                measured.threads, measured.threads == 1 ? "" : "s", AvailableCores()));
  }
  return hints;
}

Json StepsJson(const Profile& profile) {
  Json steps = Json::array();
  for (size_t i : profile.SlowestFirst()) {
    const StepProfile& step = profile.steps[i];
    steps.push_back({{"op", step.op}, {"node", step.node}, {"tactic", step.tactic}, {"us", step.us}});
  }
  return steps;
}

void PrintJson(const BenchFlags& flags, const Measured& measured) {
  Json json = {{"model", flags.model.model},        {"backend", flags.model.backend},
               {"threads", measured.threads},       {"load_ms", measured.load_ms},
               {"first_ms", measured.first_ms},     {"runs", measured.times.size()},
               {"min_ms", measured.times.front()},  {"median_ms", measured.Percentile(50)},
               {"p90_ms", measured.Percentile(90)}, {"p99_ms", measured.Percentile(99)},
               {"per_second", measured.per_second}, {"arena_bytes", measured.arena_bytes},
               {"peak_mb", measured.peak_mb},       {"hints", measured.hints}};
  if (const auto& all = measured.throughput) {
    json["throughput"] = {{"contexts", all->contexts},
                          {"per_second", all->per_second},
                          {"scaling", measured.Scaling()},
                          {"median_ms", all->median_ms}};
  }
  if (const auto& all = measured.photos) {
    json["photos"] = {
        {"contexts", all->contexts}, {"per_second", all->per_second}, {"median_ms", all->median_ms}};
  }
  if (const auto& photo = measured.photo) {
    json["photo"] = {{"prepare_ms", photo->prepare_ms},
                     {"run_ms", photo->run_ms},
                     {"read_ms", photo->read_ms},
                     {"whole_ms", photo->whole_ms}};
  }
  if (flags.has_steps) json["steps"] = StepsJson(measured.profile);
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void PrintSteps(const Profile& profile) {
  constexpr size_t kShown = 20;
  Table table({">us", ">%", "tactic", "node"});
  for (size_t i : profile.SlowestFirst()) {
    const StepProfile& step = profile.steps[i];
    table.Row({fmt::format("{:.1f}", step.us), fmt::format("{:.1f}", 100 * profile.ShareOf(step)),
               step.tactic, step.op + " " + step.node});
    if (table.row_count() == kShown) break;
  }
  fmt::print("\n{}", table.ToString());
}

void PrintText(const BenchFlags& flags, const Measured& measured) {
  fmt::print("{} on {}, {} thread{}\n", flags.model.model, flags.model.backend, measured.threads,
             measured.threads == 1 ? "" : "s");
  fmt::print("  load       {:9.2f} ms\n  first run  {:9.2f} ms\n", measured.load_ms, measured.first_ms);
  fmt::print("  warm runs  {:9.2f} ms median of {}, min {:.2f}, p90 {:.2f}, p99 {:.2f}; {:.1f} a second\n",
             measured.Percentile(50), measured.times.size(), measured.times.front(), measured.Percentile(90),
             measured.Percentile(99), measured.per_second);
  if (const auto& all = measured.throughput) {
    fmt::print("  {} contexts {:9.1f} a second, {:.2f} times one; {:.2f} ms median of each\n", all->contexts,
               all->per_second, measured.Scaling(), all->median_ms);
  }
  if (const auto& photo = measured.photo) {
    fmt::print(
        "  photo      {:9.2f} ms: {:.2f} to prepare it, {:.2f} in the network, {:.2f} to read the answer\n",
        photo->whole_ms, photo->prepare_ms, photo->run_ms, photo->read_ms);
  }
  if (const auto& all = measured.photos) {
    fmt::print("  {} contexts {:9.1f} photos a second, decoded and read; {:.2f} ms median of each\n",
               all->contexts, all->per_second, all->median_ms);
  }
  fmt::print("  memory     {:9.1f} MB at most, of that activations and scratch {}\n", measured.peak_mb,
             HumanBytes(static_cast<double>(measured.arena_bytes)));
  if (flags.has_steps) PrintSteps(measured.profile);
  for (const std::string& hint : measured.hints) fmt::print("hint: {}\n", hint);
}

Status Bench(const BenchFlags& given) {
  BenchFlags flags = given;
  SLIPWAY_RETURN_IF_ERROR(CheckReportPath(flags.report_path));
  if (flags.contexts > 0 && flags.model.threads == 0) flags.model.threads = 1;
  MeasuredModel::Wanted wanted;
  wanted.alternatives = !flags.report_path.empty();
  wanted.manifest = !flags.image_path.empty();
  SLIPWAY_ASSIGN_OR_RETURN(MeasuredModel model, MeasuredModel::Load(flags.model, wanted));
  Measured measured;
  measured.threads = model.engine->num_threads();
  measured.load_ms = model.load_ms;
  SLIPWAY_RETURN_IF_ERROR(TimeRuns(model, flags, measured));
  if (flags.contexts > 0) {
    SLIPWAY_ASSIGN_OR_RETURN(measured.throughput,
                             MeasureThroughput(*model.engine, model.inputs, flags.contexts, flags.seconds));
  }
  if (!flags.image_path.empty()) {
    KeepFreedMemory();  // as a server does
    tasks::Session session(model.engine, *model.manifest);
    SLIPWAY_ASSIGN_OR_RETURN(measured.photo, MeasurePhoto(session, flags.image_path, flags.seconds));
    if (flags.contexts > 0) {
      SLIPWAY_ASSIGN_OR_RETURN(measured.photos, MeasurePhotos(model.engine, *model.manifest, flags.image_path,
                                                              flags.contexts, flags.seconds));
    }
  }
  ProfileOptions options;
  options.runs = 10;
  options.seconds = flags.seconds;
  SLIPWAY_ASSIGN_OR_RETURN(measured.profile, model.Measure(options));
  measured.hints = Hints(model, measured);
  if (!flags.report_path.empty()) SLIPWAY_RETURN_IF_ERROR(WriteReport(flags.report_path, measured.profile));
  flags.is_json ? PrintJson(flags, measured) : PrintText(flags, measured);
  return Status::Ok();
}

}  // namespace

void AddBench(CLI::App& app, Action& action) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = app.add_subcommand("bench", "measure how long a model takes here");
  flags->model.AddModel(command);
  command->add_option("--seconds", flags->seconds, "measure about this long")
      ->capture_default_str()
      ->check(NumberWithin(0, 3600));
  command->add_option("--runs", flags->max_runs, "at most this many runs")
      ->capture_default_str()
      ->check(CLI::Range(3, 1000000));
  command
      ->add_option("--contexts", flags->contexts,
                   "and the throughput of so many contexts side by side, of 1 thread each unless --threads "
                   "says otherwise")
      ->check(CLI::Range(1, 1024));
  command->add_option("--image", flags->image_path,
                      "a photo: and the time with its preparation and with reading the answer");
  command->add_flag("--steps", flags->has_steps,
                    "the slowest steps, too; 'slipway profile' says more of them");
  command->add_option("--report", flags->report_path,
                      "FILE.html: a picture of every step, and FILE.json beside it");
  command->add_flag("--json", flags->is_json, "as JSON");
  flags->model.AddEngine(command);
  flags->model.AddManifest(command);
  command->callback([&action, flags] { action = [flags] { return Bench(*flags); }; });
}

}  // namespace slipway::cli
