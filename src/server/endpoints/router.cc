#include "server/endpoints/router.h"

#include <algorithm>

#include "server/endpoints/endpoints.h"

namespace slipway::server {
namespace {

struct Route {
  std::string_view method;
  std::string_view path;  // ":model" and ":version" stand for any segment; versions are digits
  Endpoint endpoint;
  Pace pace = Pace::kFast;
};

// The first that fits counts.
constexpr Route kRoutes[] = {
    {"GET", "v2", ServerMetadata},
    {"GET", "v2/health/live", ServerLive},
    {"GET", "v2/health/ready", ServerReady},
    {"GET", "v2/models/stats", AllStatistics},
    {"GET", "v2/models/:model", ModelMetadata},
    {"GET", "v2/models/:model/versions/:version", ModelMetadata},
    {"GET", "v2/models/:model/ready", ModelReady},
    {"GET", "v2/models/:model/versions/:version/ready", ModelReady},
    {"GET", "v2/models/:model/config", ModelConfiguration},
    {"GET", "v2/models/:model/versions/:version/config", ModelConfiguration},
    {"GET", "v2/models/:model/stats", ModelStatistics},
    {"GET", "v2/models/:model/versions/:version/stats", ModelStatistics},
    {"GET", "v2/models/:model/task", ModelTask},
    {"GET", "v2/models/:model/versions/:version/task", ModelTask},
    {"GET", "v2/models/:model/explain", Explain},
    {"GET", "v2/models/:model/versions/:version/explain", Explain},
    {"POST", "v2/models/:model/infer", Infer},
    {"POST", "v2/models/:model/versions/:version/infer", Infer},
    {"POST", "v2/models/:model/detect", DetectPhoto},
    {"POST", "v2/models/:model/versions/:version/detect", DetectPhoto},
    {"POST", "v2/models/:model/classify", ClassifyPhoto},
    {"POST", "v2/models/:model/versions/:version/classify", ClassifyPhoto},
    {"POST", "v2/models/:model/segment", SegmentPhoto},
    {"POST", "v2/models/:model/versions/:version/segment", SegmentPhoto},
    {"POST", "v2/models/:model/upload", AnyPhoto},
    {"POST", "v2/models/:model/versions/:version/upload", AnyPhoto},
    {"POST", "v2/repository/index", RepositoryIndex},
    {"POST", "v2/repository/models/:model/load", LoadModelNow, Pace::kSlow},
    {"POST", "v2/repository/models/:model/unload", UnloadModelNow, Pace::kSlow},
    {"GET", "metrics", Metrics},
    {"GET", "debug/trace", DebugTrace, Pace::kSlow},
    {"GET", "ping", Ping},
    {"POST", "predictions/:model", AnyPhoto},
    {"POST", "predictions/:model/:version", AnyPhoto},
};

// The front segment of a pattern, taken off it.
std::string_view TakeSegment(std::string_view& path) {
  const size_t slash = path.find('/');
  const std::string_view segment = path.substr(0, slash);
  path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  return segment;
}

bool IsVersion(const std::string& text) {
  return !text.empty() && text.size() < 19 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool Fits(std::string_view pattern, const std::vector<std::string>& segments, RouteMatch& match) {
  for (const std::string& segment : segments) {
    if (pattern.empty()) return false;
    const std::string_view wanted = TakeSegment(pattern);
    if (wanted == ":model") {
      match.model = segment;
    } else if (wanted == ":version") {
      if (!IsVersion(segment)) return false;
      match.version = segment;
    } else if (wanted != segment) {
      return false;
    }
  }
  return pattern.empty();
}

}  // namespace

RouteMatch FindRoute(std::string_view method, const std::vector<std::string>& segments) {
  if (method == "HEAD") method = "GET";
  std::string allowed;
  for (const Route& route : kRoutes) {
    RouteMatch match;
    if (!Fits(route.path, segments, match)) continue;
    if (route.method == method) {
      match.endpoint = route.endpoint;
      match.pace = route.pace;
      return match;
    }
    if (allowed.find(route.method) == std::string::npos)
      allowed +=
          (allowed.empty() ? "" : ", ") + std::string(route.method == "GET" ? "GET, HEAD" : route.method);
  }
  RouteMatch none;
  none.allowed = allowed;
  return none;
}

}  // namespace slipway::server
