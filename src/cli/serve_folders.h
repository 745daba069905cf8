// Whether the folders that are named to `slipway serve` have models: a folder that was meant to be another
// one, or a volume that is not there, would serve nothing and be ready.
#pragma once

#include "cli/serve_flags.h"

namespace slipway::cli {

// Notes go to standard error. Errors: nothing is there to serve, and nobody looks for models later (--watch);
// a path cannot be read.
Status CheckFolders(const ServeFlags& flags);

}  // namespace slipway::cli
