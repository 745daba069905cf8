// slipway bench: how long a model takes here.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/model_flags.h"
#include "cli/random_input.h"

namespace slipway::cli {
namespace {

using Clock = std::chrono::steady_clock;

double Since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct BenchFlags {
  ModelFlags model;
  double seconds = 3;
  int max_runs = 1000;
  bool is_json = false;
  bool has_steps = false;
};

// Nearest-rank percentile of sorted times.
double Percentile(const std::vector<double>& sorted, double percent) {
  const auto rank = static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

double PeakMegabytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// Mean microseconds of every step over some runs.
Result<std::vector<double>> TimeSteps(const Engine& engine, Context& context,
                                      std::span<const Tensor> inputs) {
  constexpr int kRuns = 10;
  std::vector<double> totals(engine.steps().size(), 0);
  context.SetObserver([&](size_t step, double us) { totals[step] += us / kRuns; });
  for (int i = 0; i < kRuns; ++i) SLIPWAY_RETURN_IF_ERROR(context.Run(inputs).status());
  return totals;
}

std::vector<size_t> SlowestFirst(const std::vector<double>& times) {
  std::vector<size_t> order(times.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return times[a] > times[b]; });
  return order;
}

void PrintSteps(const Engine& engine, const std::vector<double>& times) {
  constexpr size_t kShown = 20;
  const double sum = std::accumulate(times.begin(), times.end(), 0.0);
  Table table({">us", ">%", "tactic", "node"});
  for (size_t i : SlowestFirst(times)) {
    const StepInfo& step = engine.steps()[i];
    table.Row({fmt::format("{:.1f}", times[i]), fmt::format("{:.1f}", times[i] / sum * 100), step.tactic,
               step.op + " " + step.node});
    if (table.row_count() == kShown) break;
  }
  fmt::print("{}", table.ToString());
}

nlohmann::ordered_json StepsJson(const Engine& engine, const std::vector<double>& times) {
  auto steps = nlohmann::ordered_json::array();
  for (size_t i : SlowestFirst(times)) {
    const StepInfo& step = engine.steps()[i];
    steps.push_back({{"op", step.op}, {"node", step.node}, {"tactic", step.tactic}, {"us", times[i]}});
  }
  return steps;
}

Status Bench(const BenchFlags& flags) {
  const auto load_start = Clock::now();
  SLIPWAY_ASSIGN_OR_RETURN(LoadedModel loaded, flags.model.LoadToRun());
  const auto ranges = loaded.model.ranges;
  SLIPWAY_ASSIGN_OR_RETURN(auto engine, flags.model.MakeEngine(std::move(loaded)));
  const double load_ms = Since(load_start);
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < engine->inputs().size(); ++i) {
    const PortInfo& port = engine->inputs()[i];
    inputs.push_back(RandomTensor(port, DefaultDims(port.type, ranges), 1 + i));
  }
  auto context = engine->NewContext();
  const auto first_start = Clock::now();
  SLIPWAY_RETURN_IF_ERROR(context->Run(inputs).status());
  const double first_ms = Since(first_start);
  std::vector<double> times;
  const auto start = Clock::now();
  while (static_cast<int>(times.size()) < flags.max_runs &&
         (times.size() < 3 || Since(start) < flags.seconds * 1000)) {
    const auto run_start = Clock::now();
    SLIPWAY_RETURN_IF_ERROR(context->Run(inputs).status());
    times.push_back(Since(run_start));
  }
  const double total_ms = Since(start);
  const auto runs = static_cast<double>(times.size());
  std::sort(times.begin(), times.end());
  const double median = Percentile(times, 50), p90 = Percentile(times, 90), p99 = Percentile(times, 99);
  const int64_t arena_bytes = context->arena_bytes();
  const double peak_mb = PeakMegabytes();
  std::vector<double> step_times;
  if (flags.has_steps) {
    SLIPWAY_ASSIGN_OR_RETURN(step_times, TimeSteps(*engine, *context, inputs));
  }
  if (flags.is_json) {
    nlohmann::ordered_json json = {{"model", flags.model.model},
                                   {"backend", flags.model.backend},
                                   {"threads", engine->num_threads()},
                                   {"load_ms", load_ms},
                                   {"first_ms", first_ms},
                                   {"runs", times.size()},
                                   {"min_ms", times.front()},
                                   {"median_ms", median},
                                   {"p90_ms", p90},
                                   {"p99_ms", p99},
                                   {"per_second", runs / total_ms * 1000},
                                   {"arena_bytes", arena_bytes},
                                   {"peak_mb", peak_mb}};
    if (flags.has_steps) json["steps"] = StepsJson(*engine, step_times);
    fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else {
    fmt::print("{} on {}, {} threads\n", flags.model.model, flags.model.backend, engine->num_threads());
    fmt::print("  load {:.1f} ms, first run {:.2f} ms\n", load_ms, first_ms);
    fmt::print("  {} runs: min {:.2f}  median {:.2f}  p90 {:.2f}  p99 {:.2f} ms;  {:.1f} a second\n",
               times.size(), times.front(), median, p90, p99, runs / total_ms * 1000);
    fmt::print("  activations {}, peak memory {:.1f} MB\n", HumanBytes(static_cast<double>(arena_bytes)),
               peak_mb);
    if (flags.has_steps) PrintSteps(*engine, step_times);
  }
  return Status::Ok();
}

}  // namespace

void AddBench(CLI::App& app, Action& action) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = app.add_subcommand("bench", "measure how long a model takes here");
  flags->model.AddModel(command);
  command->add_option("--seconds", flags->seconds, "measure about this long")->capture_default_str();
  command->add_option("--runs", flags->max_runs, "at most this many runs")
      ->capture_default_str()
      ->check(CLI::Range(3, 1000000));
  command->add_flag("--steps", flags->has_steps, "the slowest steps, too");
  command->add_flag("--json", flags->is_json, "as JSON");
  flags->model.AddEngine(command);
  command->callback([&action, flags] { action = [flags] { return Bench(*flags); }; });
}

}  // namespace slipway::cli
