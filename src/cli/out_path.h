// Files that a command writes.
#pragma once

#include <string>

#include "slipway/status.h"

namespace slipway::cli {

// An error where no file can be written at the path: its folder is not there or closed to this user, or it is
// a folder itself. Found out before the work, not after it. "": nothing is to be written.
Status CheckOutPath(const std::string& path);

}  // namespace slipway::cli
