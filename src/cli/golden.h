// Golden vectors: what a model must answer, whatever machine it runs on.
#pragma once

#include "api/golden_difference.h"
#include "plan/slip.h"

namespace slipway::cli {

// Adds inputs from a fixed seed with the reference backend's outputs, so that `slipway doctor` has something
// to check. That backend and no faster one: a deployment is proved by an answer that shares no kernel with
// it. It may take minutes, so progress is shown on stderr. Adds none where inputs have no rank, or where open
// extents, taken as 1, or empty strings do not run.
Status AddGolden(SlipModel& model);

// Runs the golden vectors on the graph as it is, which is no longer the one they were made with, and widens
// their tolerance to twice what is found. Returns the largest difference relative to an output's largest
// value. An output of integers or strings that changes is an error.
Result<double> WidenGolden(SlipModel& model);

}  // namespace slipway::cli
