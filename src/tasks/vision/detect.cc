#include "tasks/vision/detect.h"

#include <fmt/format.h>

#include <algorithm>

#include "tasks/vision/candidate.h"

namespace slipway::tasks {
namespace {

using DecodeFn = Result<Candidates> (*)(const DecodeCall&);

DecodeFn DecoderOf(DecoderKind kind) {
  switch (kind) {
    case DecoderKind::kYolov5: return DecodeYolov5;
    case DecoderKind::kYolov8: return DecodeYolov8;
    case DecoderKind::kYolox: return DecodeYolox;
    case DecoderKind::kFastestdet: return DecodeFastestdet;
    case DecoderKind::kSsd: return DecodeSsd;
    case DecoderKind::kSsdPostprocess: return DecodeSsdPostprocess;
    case DecoderKind::kAnchors: return DecodeAnchors;
    default: return nullptr;
  }
}

}  // namespace

const RealOutput* DecodeCall::Role(const char* role) const {
  const auto named = spec.tensors.find(role);
  if (named == spec.tensors.end() || named->second.empty()) return nullptr;
  const auto found = std::find_if(outputs.begin(), outputs.end(),
                                  [&](const RealOutput& output) { return output.name == named->second[0]; });
  return found == outputs.end() ? nullptr : &*found;
}

const RealOutput* DecodeCall::Predictions() const {
  if (const RealOutput* named = Role("predictions")) return named;
  return outputs.size() == 1 ? &outputs[0] : nullptr;
}

bool DecodeCall::IsPrediction(const RealOutput& output) const {
  const auto named = spec.tensors.find("predictions");
  if (named == spec.tensors.end()) return true;
  return std::find(named->second.begin(), named->second.end(), output.name) != named->second.end();
}

media::BoxF DecodeCall::ToPixels(double a, double b, double c, double d) const {
  const bool is_ratio = spec.coordinates == CoordinateKind::kRatio;
  const double sx = is_ratio ? width : 1;
  const double sy = is_ratio ? height : 1;
  switch (spec.box_order) {
    case BoxOrder::kXyxy: return {a * sx, b * sy, c * sx, d * sy};
    case BoxOrder::kYxyx: return {b * sx, a * sy, d * sx, c * sy};
    case BoxOrder::kXywh: return {a * sx, b * sy, (a + c) * sx, (b + d) * sy};
    case BoxOrder::kYxhw: return {b * sx, a * sy, (b + d) * sx, (a + c) * sy};
    case BoxOrder::kCxcywh: return {(a - c / 2) * sx, (b - d / 2) * sy, (a + c / 2) * sx, (b + d / 2) * sy};
    case BoxOrder::kCycxhw: return {(b - d / 2) * sx, (a - c / 2) * sy, (b + d / 2) * sx, (a + c / 2) * sy};
  }
  return {};
}

Status CheckDetector(const Manifest& manifest) {
  const auto is_detector = [](const OutputSpec& each) { return DecoderOf(each.decoder) != nullptr; };
  if (std::any_of(manifest.outputs.begin(), manifest.outputs.end(), is_detector)) return Status::Ok();
  return Status(Code::kUsage,
                "how to read boxes from the model's outputs is not known: no decoder fits their shapes",
                std::string("set outputs[0].decoder in the manifest: ") + kDetectors);
}

Result<std::vector<Detection>> ReadDetections(const Manifest& manifest, const Thresholds& thresholds,
                                              const ImageInput& input,
                                              const std::vector<RealOutput>& outputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckDetector(manifest));
  const OutputSpec* spec = nullptr;
  for (const OutputSpec& each : manifest.outputs) {
    if (DecoderOf(each.decoder) != nullptr) spec = &each;
  }
  SLIPWAY_RETURN_IF_ERROR(CheckOutputNames(*spec, outputs));
  const DecodeCall call{*spec, outputs, input.width, input.height, static_cast<float>(thresholds.score)};
  auto decoded = DecoderOf(spec->decoder)(call);
  if (!decoded.ok()) return decoded.status().WithContext("decoder " + std::string(NameOf(spec->decoder)));
  std::vector<Detection> detections;
  for (Candidate& candidate : Suppress(std::move(*decoded), thresholds.iou, thresholds.cross_class_iou,
                                       static_cast<size_t>(thresholds.max_detections))) {
    Detection detection;
    detection.label_index = candidate.class_index + spec->class_offset;
    detection.label = LabelOf(manifest, detection.label_index);
    detection.score = candidate.score;
    detection.box = input.placed.MapBoxBack(candidate.box);
    for (const media::PointF& point : candidate.keypoints)
      detection.keypoints.push_back(input.placed.MapPointBack(point));
    detections.push_back(std::move(detection));
  }
  return detections;
}

Result<std::vector<Detection>> Detect(Session& session, media::Image photo) {
  SLIPWAY_ASSIGN_OR_RETURN(ImageInput input, session.Prepare(std::move(photo)));
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<RealOutput> outputs, session.Run(input));
  return ReadDetections(session.manifest(), session.manifest().thresholds, input, outputs);
}

void DrawDetections(media::Image* photo, const std::vector<Detection>& detections) {
  std::vector<media::Annotation> annotations;
  // Worst first, so that the best lies on top.
  for (size_t i = detections.size(); i-- > 0;) {
    const Detection& detection = detections[i];
    annotations.push_back({detection.box, fmt::format("{} {:.0f}%", detection.label, detection.score * 100),
                           media::ClassColor(static_cast<int>(detection.label_index))});
  }
  media::DrawAnnotations(photo, annotations);
  const double radius = media::StyleFor(photo->width, photo->height).thickness * 0.9;
  for (const Detection& detection : detections) {
    const media::Color color = media::ClassColor(static_cast<int>(detection.label_index));
    for (const media::PointF& point : detection.keypoints) {
      media::FillBox(photo, {point.x - radius, point.y - radius, point.x + radius, point.y + radius}, radius,
                     color);
    }
  }
}

}  // namespace slipway::tasks
