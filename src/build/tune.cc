#include "build/tune.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/timing.h"
#include "build/dummy_step.h"
#include "build/step_signature.h"

namespace slipway {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMinRounds = 3;   // a median of fewer says nothing
constexpr int kMaxRounds = 11;  // more change it by less than the machine's noise
// After the first round, a tactic this many times slower than the fastest is not run again.
constexpr double kHopeless = 2.5;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A distinct step and the tactics to time.
struct Job {
  size_t node = 0;  // the first that has this signature
  std::string signature;
  std::vector<const Tactic*> tactics;
  double weight = 0;  // estimated microseconds of all rounds' first, over all nodes of the signature
};

// Tactics of the choice worth timing; empty when there is nothing to choose from.
std::vector<const Tactic*> Promising(const Choice& choice, double prune_factor) {
  std::vector<const Tactic*> tactics;
  for (const auto& candidate : choice.candidates) {
    if (candidate.estimate_us <= prune_factor * choice.estimate_us) tactics.push_back(candidate.tactic);
  }
  if (tactics.size() < 2) tactics.clear();
  return tactics;
}

// In order of what they weigh, heaviest first.
Result<std::vector<Job>> JobsOf(const Graph& graph, const std::vector<const Backend*>& backends,
                                const TuneOptions& options, const TimingTable& table, TuneReport& report) {
  // By the cost model alone: what is pruned does not depend on what was measured before.
  SLIPWAY_ASSIGN_OR_RETURN(
      const auto choices,
      ChooseTactics(graph, backends, {.accuracy = options.accuracy, .precision = options.precision}));
  std::map<std::string, Job> jobs;
  for (size_t i = 0; i < choices.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const Step step, MakeStep(graph, graph.nodes[i]));
    if (!HasKnownOperands(step)) continue;
    std::vector<const Tactic*> tactics = Promising(choices[i], options.prune_factor);
    if (tactics.empty()) continue;
    const std::string signature = StepSignature(step);
    auto [found, is_new] = jobs.try_emplace(signature, Job{i, signature, {}, 0});
    found->second.weight += choices[i].estimate_us * static_cast<double>(tactics.size());
    if (!is_new) continue;
    for (const Tactic* tactic : tactics) {
      if (!table.Find(signature, tactic->name())) found->second.tactics.push_back(tactic);
    }
  }
  report.steps = jobs.size();
  std::vector<Job> result;
  for (auto& [signature, job] : jobs) {
    if (!job.tactics.empty()) result.push_back(std::move(job));
  }
  report.known = report.steps - result.size();
  std::stable_sort(result.begin(), result.end(),
                   [](const Job& a, const Job& b) { return a.weight > b.weight; });
  return result;
}

// The job's times, into the table. Stops after kMinRounds when `seconds` are over.
Status TimeJob(const Graph& graph, const Job& job, double seconds, ThreadPool& pool, TimingTable& table,
               TuneReport& report) {
  const auto start = Clock::now();
  SLIPWAY_ASSIGN_OR_RETURN(const Step step, MakeStep(graph, graph.nodes[job.node]));
  DummyStep dummy(step, pool);
  struct Runner {
    DummyStep::Candidate candidate;
    std::vector<double> times;
    bool is_out = false;
  };
  std::vector<Runner> runners;
  for (const Tactic* tactic : job.tactics) {
    auto made = dummy.Make(*tactic);
    if (!made.ok()) continue;
    runners.push_back({std::move(made).value(), {}, false});
  }
  // Round 0 warms up: pages, branch predictors, clocks.
  for (int round = 0; round <= kMaxRounds; ++round) {
    if (round > kMinRounds && SecondsSince(start) > seconds) break;
    double best = 0;
    for (Runner& runner : runners) {
      if (runner.is_out) continue;
      const auto us = dummy.TimeUs(runner.candidate);
      if (!us.ok()) {
        runner.is_out = true;
        runner.times.clear();
        continue;
      }
      if (round > 0) runner.times.push_back(*us);
      if (best == 0 || *us < best) best = *us;
    }
    if (round != 1) continue;
    for (Runner& runner : runners) {
      if (!runner.times.empty() && runner.times[0] > kHopeless * best) runner.is_out = true;
    }
  }
  for (const Runner& runner : runners) {
    if (runner.times.empty()) continue;
    table.Set(job.signature, runner.candidate.tactic->name(), Median(runner.times));
    ++report.tactics_timed;
  }
  return Status::Ok();
}

}  // namespace

Result<TuneReport> Tune(const Graph& graph, const std::vector<const Backend*>& backends,
                        const TuneOptions& options, TimingTable& table) {
  const auto start = Clock::now();
  TuneReport report;
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Job> jobs, JobsOf(graph, backends, options, table, report));
  ThreadPool pool(options.num_threads);
  double weight_left = 0;
  for (const Job& job : jobs) weight_left += job.weight;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const double seconds_left = options.seconds - SecondsSince(start);
    if (seconds_left <= 0) {
      report.unreached = jobs.size() - i;
      break;
    }
    const double share = seconds_left * jobs[i].weight / weight_left;
    weight_left -= jobs[i].weight;
    SLIPWAY_RETURN_IF_ERROR(TimeJob(graph, jobs[i], share, pool, table, report));
    if (options.on_step) options.on_step(i + 1, jobs.size());
  }
  report.seconds = SecondsSince(start);
  return report;
}

}  // namespace slipway
