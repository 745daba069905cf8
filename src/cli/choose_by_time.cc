#include "cli/choose_by_time.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/file.h"
#include "base/thread_pool.h"
#include "build/machine.h"
#include "build/tune.h"
#include "cli/console.h"

namespace slipway::cli {
namespace {

Result<TimingCache> ReadCache(const std::string& path) {
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) return TimingCache();
  SLIPWAY_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  TimingCache cache = ParseTimingCache(text);
  if (cache.unreadable_lines > 0)
    PrintNote(fmt::format("{}: {} lines say nothing and are left out", path, cache.unreadable_lines));
  return cache;
}

}  // namespace

Status ChooseByTime(const Graph& graph, const TimingFlags& flags, EngineOptions& options) {
  if (flags.cache_path.empty() && flags.seconds <= 0) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(const auto backends, BackendsFor(graph, options));
  SLIPWAY_ASSIGN_OR_RETURN(TimingCache cache, ReadCache(flags.cache_path));
  const int threads = options.num_threads > 0 ? options.num_threads : AvailableCores();
  TimingTable& table = cache.tables[MachineFingerprint(backends, threads)];
  if (flags.seconds > 0) {
    TuneOptions tune;
    tune.seconds = flags.seconds;
    tune.num_threads = threads;
    tune.accuracy = options.accuracy;
    tune.precision = options.precision;
    SLIPWAY_ASSIGN_OR_RETURN(const TuneReport report, Tune(graph, backends, tune, table));
    PrintNote(fmt::format("timed {} kernels of {} steps in {:.1f} s; {} steps were known, {} not reached",
                          report.tactics_timed, report.steps, report.seconds, report.known,
                          report.unreached));
    if (!flags.cache_path.empty())
      SLIPWAY_RETURN_IF_ERROR(WriteFile(flags.cache_path, FormatTimingCache(cache)));
  }
  SLIPWAY_ASSIGN_OR_RETURN(
      const auto choices,
      ChooseTactics(graph, backends,
                    {.accuracy = options.accuracy, .precision = options.precision, .timings = &table}));
  for (const Choice& choice : choices) options.tactics.push_back(choice.tactic->name());
  return Status::Ok();
}

}  // namespace slipway::cli
