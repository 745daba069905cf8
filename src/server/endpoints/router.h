// Which endpoint answers at which path and by which method.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/endpoints/call.h"

namespace slipway::server {

// Slow endpoints (loading a model) do not run on an I/O thread.
enum class Pace { kFast, kSlow };

struct RouteMatch {
  Endpoint endpoint = nullptr;  // null: the path is unknown, or only with other methods
  Pace pace = Pace::kFast;
  std::string model, version;
  std::string allowed;  // "GET, HEAD": the path's methods, where the method is not among them
};

// segments: of the path, decoded. HEAD is answered as GET, without the body.
RouteMatch FindRoute(std::string_view method, const std::vector<std::string>& segments);

}  // namespace slipway::server
