#include "server/endpoints/photo_parameters.h"

#include <algorithm>
#include <limits>

#include "server/protocol/infer_rules.h"

namespace slipway::server {
namespace {

std::vector<std::string_view> Names() {
  std::vector<std::string_view> names(kThresholdNames.begin(), kThresholdNames.end());
  names.insert(names.end(), {"timeout", "priority"});
  return names;
}

}  // namespace

Result<PhotoParameters> TakePhotoParameters(const Query& query, const Thresholds& thresholds) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  SLIPWAY_RETURN_IF_ERROR(query.CheckNames(Names()));
  PhotoParameters parameters;
  SLIPWAY_ASSIGN_OR_RETURN(parameters.thresholds, ReadThresholds(query, thresholds));
  SLIPWAY_ASSIGN_OR_RETURN(const auto timeout, query.Integer("timeout", 0, kMost));
  SLIPWAY_ASSIGN_OR_RETURN(const auto priority, query.Integer("priority", 0, kMost));
  parameters.wish.timeout = TimeoutOf(static_cast<uint64_t>(timeout.value_or(0)));
  parameters.wish.priority = static_cast<uint64_t>(priority.value_or(0));
  return parameters;
}

bool IsPhotoParameter(std::string_view name) { return std::ranges::count(Names(), name) > 0; }

}  // namespace slipway::server
