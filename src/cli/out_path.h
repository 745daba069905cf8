// Files that a command writes.
#pragma once

#include <string>

#include "slipway/status.h"

namespace slipway::cli {

// An error where the path's folder is not there: found out before the work, not after it.
Status CheckFolderOf(const std::string& path);

}  // namespace slipway::cli
