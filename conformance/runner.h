// Runs a graph on the backend under test: the one seam between the suites and how a graph is executed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backends/api/backend.h"
#include "ops/run.h"

namespace slipway::conformance {

class Runner {
 public:
  virtual ~Runner() = default;
  // A run begins with the states that the last one left.
  virtual Result<std::vector<Datum>> Run(std::span<const Datum> inputs) = 0;
};

// backend: "interpret" (the records' references, node by node, inferred types checked), "symbolic" (the same;
// for graphs imported with symbolic shapes), "ref" or "cpu" (an Engine on that backend, of that precision).
Result<std::unique_ptr<Runner>> MakeRunner(const std::string& backend, const Graph& graph,
                                           Precision precision = Precision::kF32);

}  // namespace slipway::conformance
