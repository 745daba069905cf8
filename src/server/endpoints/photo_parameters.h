// What a request for a photo may ask for beside the photo, in its query or in fields of a form.
#pragma once

#include <string_view>

#include "server/endpoints/queue_policy.h"
#include "server/endpoints/thresholds.h"

namespace slipway::server {

struct PhotoParameters {
  Thresholds thresholds;
  QueueWish wish;
};

// thresholds: those of the model, for what the query leaves out. Errors name the parameter and what it may
// be.
Result<PhotoParameters> TakePhotoParameters(const Query& query, const Thresholds& thresholds);

bool IsPhotoParameter(std::string_view name);

}  // namespace slipway::server
