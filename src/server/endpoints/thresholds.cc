#include "server/endpoints/thresholds.h"

namespace slipway::server {

Result<Thresholds> ReadThresholds(const Query& query, Thresholds thresholds) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto score, query.Number("score", 0, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const auto iou, query.Number("iou", 0, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const auto cross_iou, query.Number("cross_iou", 0, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const auto max, query.Integer("max", 1, 100'000));
  SLIPWAY_ASSIGN_OR_RETURN(const auto top_k, query.Integer("top_k", 1, 100'000));
  thresholds.score = score.value_or(thresholds.score);
  thresholds.iou = iou.value_or(thresholds.iou);
  thresholds.cross_class_iou = cross_iou.value_or(thresholds.cross_class_iou);
  thresholds.max_detections = max.value_or(thresholds.max_detections);
  thresholds.top_k = top_k.value_or(thresholds.top_k);
  return thresholds;
}

Result<Thresholds> TakeThresholds(const Query& query, Thresholds thresholds) {
  SLIPWAY_RETURN_IF_ERROR(query.CheckNames(kThresholdNames));
  return ReadThresholds(query, thresholds);
}

}  // namespace slipway::server
