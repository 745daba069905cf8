// Thresholds of a photo's answer as a query gives them.
#pragma once

#include "manifest/manifest.h"
#include "server/http/url.h"

namespace slipway::server {

// Those that the query names in place of `thresholds`'. Errors name the parameter and what it may be.
Result<Thresholds> TakeThresholds(const Query& query, Thresholds thresholds);

}  // namespace slipway::server
