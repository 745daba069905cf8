// Weights without a model (.wts), as inspect shows them.
#pragma once

#include <string>

#include "slipway/status.h"

namespace slipway::cli {

// By its content; false where it cannot be read, too.
bool IsWtsFile(const std::string& path);

// Prints name, count, least, greatest and mean of every array, and how many numbers are not finite.
Status InspectWts(const std::string& path, bool is_json);

}  // namespace slipway::cli
