// The ordered list of rewrites between import and build.
//
// Each pass is one file that states before -> after at its head, and one line in passes.inc. Around every
// pass: is it switched off? run, and, if it changed something, infer types again, verify, note the time.
// Sub-graphs of control flow are rewritten likewise, each before the node that runs it, with the shapes of
// its inputs taken as unknown: a loop's may change from one iteration to the next. SLIPWAY_DISABLE=pass,...
// switches passes off, SLIPWAY_ENABLE=pass,... those on that run on demand alone; SLIPWAY_STOP_AFTER=n stops
// after n passes, to bisect.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace slipway {

struct PipelineOptions {
  std::vector<std::string> disabled;  // names of passes; "all"
  std::vector<std::string> enabled;   // names of passes that run on demand
  int stop_after = -1;                // run only the first n; -1: all
  // The options with SLIPWAY_DISABLE, SLIPWAY_ENABLE and SLIPWAY_STOP_AFTER taken in.
  static PipelineOptions FromEnvironment();
};

struct PassReport {
  std::string name;
  bool has_changed = false;
  double milliseconds = 0;
  size_t nodes_after = 0;
};

// The graph is left verified, its nodes in order. A pass that breaks it is an internal error that names the
// pass; a disabled name that no pass has is a usage error that names the nearest.
Result<std::vector<PassReport>> Optimize(Graph& graph, const PipelineOptions& options);

// Names of all passes, in order.
std::vector<std::string> PassNames();

}  // namespace slipway
