// A step's reference, run on a stand-in for its input when the kernel is made: tables and copy plans are read
// off the results, so they are exact by construction.
#pragma once

#include <vector>

#include "backends/api/backend.h"

namespace slipway::cpu {

// Everything but input 0 is known when the graph is built, or left out.
bool AreOthersConstant(const Step& step);

// What stands in for an input. Inputs without one keep their constants.
struct StandIn {
  size_t input;
  Tensor tensor;
};
enum class SampleQuant { kKept, kDropped };
// The outputs of the step's reference; none where left out. REQUIRES: AreOthersConstant(step).
Result<std::vector<Datum>> RunOnSample(const Step& step, std::vector<StandIn> stand_ins, SampleQuant quant);

}  // namespace slipway::cpu
