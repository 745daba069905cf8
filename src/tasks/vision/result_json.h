// What a photo's answer looks like as JSON: the command line's --json and the server's, the same object.
#pragma once

#include <nlohmann/json.hpp>

#include "tasks/vision/classify.h"
#include "tasks/vision/detect.h"
#include "tasks/vision/segment.h"

namespace slipway::tasks {

// {"detections": [{"label", "class", "score", "box": [x, y, w, h], "keypoints": [[x, y], ...]}]}; boxes to a
// hundredth of a pixel, scores to a millionth. No "keypoints" where there are none.
nlohmann::ordered_json ToJson(const std::vector<Detection>& detections);
// {"classes": [{"label", "class", "score"}]}
nlohmann::ordered_json ToJson(const std::vector<ClassScore>& classes);
// {"mask": {"width", "height"}, "segments": [{"label", "class", "fraction"}]}
nlohmann::ordered_json ToJson(const Segmentation& segmentation);

// {"file", "width", "height"} of the photo, then the answer, on one line; bytes that are no UTF-8 are
// replaced.
std::string PhotoLine(const std::string& file, int width, int height, const nlohmann::ordered_json& answer);

}  // namespace slipway::tasks
