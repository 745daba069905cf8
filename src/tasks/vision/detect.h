// Object detection: boxes with labels and scores, in pixels of the photo.
#pragma once

#include <string>
#include <vector>

#include "media/draw.h"
#include "tasks/core/session.h"

namespace slipway::tasks {

struct Detection {
  std::string label;
  int64_t label_index = 0;  // into the manifest's labels
  double score = 0;
  media::BoxF box;  // of the photo, pixels
  std::vector<media::PointF> keypoints;
};

// Decoders that find boxes, as a hint lists them.
inline constexpr char kDetectors[] = "yolov5, yolov8, yolox, fastestdet, ssd, ssd-postprocess or anchors";

// Does the manifest say how to read boxes? If not, an error (kUsage) that lists the decoders.
Status CheckDetector(const Manifest& manifest);

// Best first. Candidates below the score threshold are dropped; overlaps above `iou` within a class, then
// above `cross_class_iou` between classes, lose to the better score.
Result<std::vector<Detection>> Detect(Session& session, media::Image photo);
// The part behind the network, with thresholds that may be others than the manifest's.
Result<std::vector<Detection>> ReadDetections(const Manifest& manifest, const Thresholds& thresholds,
                                              const ImageInput& input,
                                              const std::vector<RealOutput>& outputs);

void DrawDetections(media::Image* photo, const std::vector<Detection>& detections);

}  // namespace slipway::tasks
