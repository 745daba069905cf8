// Times tactics on this machine.
//
// Of every distinct step (step_signature.h) whose shapes are known, the tactics that fit and whose estimate
// is not far above the best one's run in turns on dummy data: weights out of the second-level cache and
// inputs in it, as in a network where other layers have run in between. The median of the rounds is kept. The
// steps that matter most come first; what the budget does not reach is left to the cost model.
#pragma once

#include <functional>

#include "build/choose.h"

namespace slipway {

struct TuneOptions {
  double seconds = 10;  // for everything: kernels are made within it
  int num_threads = 0;  // 0: all cores
  Accuracy accuracy = Accuracy::kDefault;
  Precision precision = Precision::kF32;
  // Tactics whose estimate is above this many times the step's best are not timed.
  double prune_factor = 3;
  // After every step: how many of how many are done.
  std::function<void(size_t done, size_t total)> on_step;
};

struct TuneReport {
  size_t steps = 0;      // distinct ones with something to choose from
  size_t known = 0;      // of these, those whose times were all in the table
  size_t unreached = 0;  // of these, those that the budget left out
  size_t tactics_timed = 0;
  double seconds = 0;
};

// Adds the times that `table` lacks. A tactic that fails on dummy data gets none.
Result<TuneReport> Tune(const Graph& graph, const std::vector<const Backend*>& backends,
                        const TuneOptions& options, TimingTable& table);

}  // namespace slipway
