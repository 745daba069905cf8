// What decoders give: boxes in pixels of the model's input, before suppression.
#pragma once

#include <vector>

#include "manifest/manifest.h"
#include "media/geometry.h"
#include "tasks/core/session.h"

namespace slipway::tasks {

struct Candidate {
  media::BoxF box;
  int64_t class_index = 0;  // the decoder's, before class_offset
  float score = 0;
  std::vector<media::PointF> keypoints;
};

// What a decoder works on.
struct DecodeCall {
  const OutputSpec& spec;
  const std::vector<RealOutput>& outputs;
  int width;  // of the model's input, pixels
  int height;
  float min_score;

  // The tensor of a role; by name if the manifest says so, else null.
  const RealOutput* Role(const char* role) const;
  // The only tensor, or that of role "predictions".
  const RealOutput* Predictions() const;
  // Is it among those of role "predictions"? Without such a role every output is.
  bool IsPrediction(const RealOutput& output) const;
  // A box in the spec's order and coordinates, as corners in pixels.
  media::BoxF ToPixels(double a, double b, double c, double d) const;
};

using Candidates = std::vector<Candidate>;

// One per DecoderKind; see decode/.
Result<Candidates> DecodeYolov5(const DecodeCall& call);
Result<Candidates> DecodeYolov8(const DecodeCall& call);
Result<Candidates> DecodeYolox(const DecodeCall& call);
Result<Candidates> DecodeFastestdet(const DecodeCall& call);
Result<Candidates> DecodeSsd(const DecodeCall& call);
Result<Candidates> DecodeSsdPostprocess(const DecodeCall& call);
Result<Candidates> DecodeAnchors(const DecodeCall& call);

// Area of the intersection over that of the union; 0 for empty boxes.
double Iou(const media::BoxF& a, const media::BoxF& b);
// Greedy non-maximum suppression: first within each class, then across classes. Best first.
Candidates Suppress(Candidates candidates, double iou, double cross_class_iou, size_t max_detections);

}  // namespace slipway::tasks
