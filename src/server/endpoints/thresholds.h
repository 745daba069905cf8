// Thresholds of a photo's answer as a query gives them.
#pragma once

#include <array>
#include <string_view>

#include "manifest/manifest.h"
#include "server/http/url.h"

namespace slipway::server {

inline constexpr std::array<std::string_view, 5> kThresholdNames = {"score", "iou", "cross_iou", "max",
                                                                    "top_k"};

// Those that the query names in place of `thresholds`'; others in it are left alone. Errors name the
// parameter and what it may be.
Result<Thresholds> ReadThresholds(const Query& query, Thresholds thresholds);
// The same, of a query that has nothing else.
Result<Thresholds> TakeThresholds(const Query& query, Thresholds thresholds);

}  // namespace slipway::server
