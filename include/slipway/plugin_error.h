// What a plugin throws. Part of slipway/plugin.h.
#pragma once

#include <stdexcept>

namespace slipway::plugin {

// What went wrong, for the user: lower case, with both sides ("x has 3 channels, scale has 4").
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace slipway::plugin
