// What the operating system said of a file.
#pragma once

#include <string>
#include <string_view>

#include "slipway/status.h"

namespace slipway {

// "'<path>': cannot <verb>: <errno in words>"; kNotFound when nothing is there, else kIo. Reads errno: call
// it first.
Status SystemError(const std::string& path, std::string_view verb);

}  // namespace slipway
