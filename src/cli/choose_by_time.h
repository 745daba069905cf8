// --tune-seconds and --timing-cache: kernels chosen by what they take on this machine.
#pragma once

#include <string>
#include <vector>

#include "runtime/engine.h"

namespace slipway::cli {

struct TimingFlags {
  std::vector<std::string> cache_paths;  // none: nothing is kept
  double seconds = 0;                    // of timing; 0: none

  // Those that ChooseByTime would write: the first, where it times, and what is no file yet.
  std::vector<std::string> WrittenPaths() const;
};

// A choice for every node by what the caches know and what is timed now, the rest by the cost model. What was
// timed goes to the first cache file and, in a line, to stderr; a file that is not there is made, which a
// line says. An error when one cannot be read or written; lines that say nothing are passed over, times of
// other machines are kept.
Result<std::vector<Choice>> ChooseByTime(const Graph& graph, const TimingFlags& flags,
                                         const EngineOptions& options);

}  // namespace slipway::cli
