#include "cli/choose_by_time.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "base/file.h"
#include "build/machine.h"
#include "build/tune.h"
#include "cli/console.h"

namespace slipway::cli {
namespace {

// Of all files, the later ones' times before the earlier ones'. One that is not there is made.
Result<TimingCache> ReadCaches(const std::vector<std::string>& paths) {
  TimingCache all;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      PrintNote("'" + path + "' is not there yet: a new timing cache is made");
      SLIPWAY_RETURN_IF_ERROR(WriteFile(path, FormatTimingCache({})));
      continue;
    }
    SLIPWAY_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    const TimingCache cache = ParseTimingCache(text);
    // It might be written, and be lost.
    if (cache.tables.empty() && !text.empty() && !text.starts_with(kTimingCacheHeading)) {
      return Status(Code::kUsage,
                    "--timing-cache '" + path + "' is no timing cache, and no line of it has a time",
                    "name another file; one that is not there is made");
    }
    if (cache.unreadable_lines > 0)
      PrintNote(fmt::format("{}: {} lines say nothing and are left out", path, cache.unreadable_lines));
    all.Merge(cache);
  }
  return all;
}

Status TuneInto(TimingTable& table, const Graph& graph, const std::vector<const Backend*>& backends,
                TuneOptions options) {
  std::optional<Progress> bar;
  options.on_step = [&](size_t, size_t total) {
    if (!bar) bar.emplace("timing kernels", total);
    bar->Advance();
  };
  SLIPWAY_ASSIGN_OR_RETURN(const TuneReport report, Tune(graph, backends, options, table));
  bar.reset();
  PrintNote(fmt::format("timed {} kernels of {} steps in {:.1f} s; {} steps were known, {} not reached",
                        report.tactics_timed, report.steps, report.seconds, report.known, report.unreached));
  return Status::Ok();
}

}  // namespace

std::vector<std::string> TimingFlags::WrittenPaths() const {
  std::vector<std::string> written;
  for (const std::string& path : cache_paths) {
    std::error_code error;
    const bool gets_times = seconds > 0 && &path == &cache_paths.front();
    if (gets_times || !std::filesystem::is_regular_file(path, error)) written.push_back(path);
  }
  return written;
}

Result<std::vector<Choice>> ChooseByTime(const Graph& graph, const TimingFlags& flags,
                                         const EngineOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto backends, BackendsFor(graph, options));
  SLIPWAY_ASSIGN_OR_RETURN(TimingCache cache, ReadCaches(flags.cache_paths));
  const int threads = options.ThreadCount();
  TimingTable& table = cache.tables[MachineFingerprint(backends, threads)];
  if (flags.seconds > 0) {
    TuneOptions tune;
    tune.seconds = flags.seconds;
    tune.num_threads = threads;
    tune.accuracy = options.accuracy;
    tune.precision = options.precision;
    SLIPWAY_RETURN_IF_ERROR(TuneInto(table, graph, backends, tune));
    if (!flags.cache_paths.empty())
      SLIPWAY_RETURN_IF_ERROR(WriteFile(flags.cache_paths.front(), FormatTimingCache(cache)));
  }
  return ChooseTactics(graph, backends,
                       {.accuracy = options.accuracy, .precision = options.precision, .timings = &table});
}

}  // namespace slipway::cli
