// Golden vectors: what a model must answer, whatever machine it runs on.
#pragma once

#include "plan/slip.h"

namespace slipway::cli {

// Adds inputs from a fixed seed with the reference backend's outputs, so that `slipway doctor` has something
// to check. That backend and no faster one: a deployment is proved by an answer that shares no kernel with
// it. It may take minutes, so progress is shown on stderr. Adds none where inputs have no rank, or where open
// extents, taken as 1, or empty strings do not run.
Status AddGolden(SlipModel& model);

}  // namespace slipway::cli
