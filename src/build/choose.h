// Chooses a tactic for every node: the cheapest that fits, by the cost model, among the backends in order.
#pragma once

#include <string>
#include <vector>

#include "backends/api/backend.h"

namespace slipway {

// What was chosen for one node, and why the others were not.
struct Choice {
  const Tactic* tactic = nullptr;
  double estimate_us = 0;
  struct Rejection {
    std::string tactic;
    std::string reason;
  };
  std::vector<Rejection> rejected;
};

// The node as tactics see it. The graph must outlive the step. An error names an unknown operator.
Result<Step> MakeStep(const Graph& graph, const Node& node);

// One choice per node. Backends are tried together; a node that none can run is an error that lists the
// reasons.
Result<std::vector<Choice>> ChooseTactics(const Graph& graph, const std::vector<const Backend*>& backends);

}  // namespace slipway
