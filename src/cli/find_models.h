// Models in folders, recognised by their content.
#pragma once

#include <string>
#include <vector>

#include "slipway/status.h"

namespace slipway::cli {

// Files as they are; folders become every model below them, sorted by path: those that Slipway reads and
// those of formats that it lacks, but neither pictures, arrays and texts nor what belongs to a model (weights
// beside a model.json, the variables of a SavedModel, a prototxt beside its caffemodel). A SavedModel is its
// folder. Errors: kNotFound: no such path, or no model in a folder; kIo: a folder that may not be read.
Result<std::vector<std::string>> FindModels(const std::vector<std::string>& paths);

}  // namespace slipway::cli
