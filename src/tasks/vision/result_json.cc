#include "tasks/vision/result_json.h"

#include <cmath>

namespace slipway::tasks {
namespace {

using Json = nlohmann::ordered_json;

// To 1/parts: dividing by a whole number prints without rounding tails.
double Rounded(double value, double parts) { return std::round(value * parts) / parts; }

}  // namespace

Json ToJson(const std::vector<Detection>& detections) {
  Json list = Json::array();
  for (const Detection& each : detections) {
    const media::BoxF& box = each.box;
    Json json = {{"label", each.label},
                 {"class", each.label_index},
                 {"score", Rounded(each.score, 1e6)},
                 {"box",
                  {Rounded(box.left, 100), Rounded(box.top, 100), Rounded(box.Width(), 100),
                   Rounded(box.Height(), 100)}}};
    for (const media::PointF& point : each.keypoints)
      json["keypoints"].push_back({Rounded(point.x, 100), Rounded(point.y, 100)});
    list.push_back(std::move(json));
  }
  return {{"detections", std::move(list)}};
}

Json ToJson(const std::vector<ClassScore>& classes) {
  Json list = Json::array();
  for (const ClassScore& each : classes)
    list.push_back({{"label", each.label}, {"class", each.index}, {"score", each.score}});
  return {{"classes", std::move(list)}};
}

Json ToJson(const Segmentation& segmentation) {
  Json list = Json::array();
  for (const auto& share : segmentation.shares)
    list.push_back({{"label", share.label}, {"class", share.index}, {"fraction", share.fraction}});
  return {{"mask", {{"width", segmentation.mask_width}, {"height", segmentation.mask_height}}},
          {"segments", std::move(list)}};
}

std::string PhotoLine(const std::string& file, int width, int height, const Json& answer) {
  Json line = {{"file", file}, {"width", width}, {"height", height}};
  line.update(answer);
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace slipway::tasks
