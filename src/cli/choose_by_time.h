// --tune-seconds and --timing-cache: kernels chosen by what they take on this machine.
#pragma once

#include <string>

#include "runtime/engine.h"

namespace slipway::cli {

struct TimingFlags {
  std::string cache_path;  // "": none
  double seconds = 0;      // of timing; 0: none
};

// Names a tactic for every node in `options`; leaves it as it is without either flag. What was timed goes to
// the cache file and, in a line, to stderr. An error when the file cannot be read or written; lines in it
// that say nothing, and times of other machines, are passed over.
Status ChooseByTime(const Graph& graph, const TimingFlags& flags, EngineOptions& options);

}  // namespace slipway::cli
