// MediaPipe's face detectors (BlazeFace, Bazarevsky et al., 2019): rows of [x, y, w, h, key points...] in
// pixels, relative to the centres of anchors on a few grids; one logit per anchor.
#include <algorithm>

#include "tasks/vision/decode/scores.h"

namespace slipway::tasks {
namespace {

// Anchor centres in ratios. Grids of equal stride share cells: two anchors per stride entry, as MediaPipe
// counts.
std::vector<media::PointF> MakeCentres(const DecodeCall& call) {
  std::vector<media::PointF> centres;
  const std::vector<int64_t>& strides = call.spec.strides;
  const double offset = call.spec.anchors ? call.spec.anchors->offset : 0.5;
  const int64_t per_stride = call.spec.anchors && call.spec.anchors->interpolated_ratio > 0 ? 2 : 1;
  for (size_t i = 0; i < strides.size();) {
    size_t end = i;
    while (end < strides.size() && strides[end] == strides[i]) ++end;
    const int64_t per_cell = static_cast<int64_t>(end - i) * per_stride;
    const int64_t columns = (call.width + strides[i] - 1) / strides[i];
    const int64_t lines = (call.height + strides[i] - 1) / strides[i];
    for (int64_t y = 0; y < lines; ++y) {
      for (int64_t x = 0; x < columns; ++x) {
        const media::PointF centre{(static_cast<double>(x) + offset) / static_cast<double>(columns),
                                   (static_cast<double>(y) + offset) / static_cast<double>(lines)};
        centres.insert(centres.end(), static_cast<size_t>(per_cell), centre);
      }
    }
    i = end;
  }
  return centres;
}

constexpr float kMaxLogit = 100;  // MediaPipe's score clipping threshold

}  // namespace

Result<Candidates> DecodeAnchors(const DecodeCall& call) {
  const RealOutput* boxes = call.Role("boxes");
  const RealOutput* scores = call.Role("scores");
  for (const RealOutput& output : call.outputs) {
    const bool is_scores = !output.dims.empty() && output.dims.back() == 1;
    if (is_scores && scores == nullptr) scores = &output;
    if (!is_scores && boxes == nullptr) boxes = &output;
  }
  if (boxes == nullptr || scores == nullptr)
    return Status(Code::kInvalidModel, "needs boxes [1,A,4+2K] and scores [1,A,1]");
  const Rows rows = RowsOf(*boxes);
  const std::vector<media::PointF> centres = MakeCentres(call);
  if (rows.width < 4 || rows.count != static_cast<int64_t>(centres.size()) ||
      rows.count != static_cast<int64_t>(scores->values.size())) {
    return Status(Code::kInvalidModel,
                  "the grids have " + std::to_string(centres.size()) + " anchors, boxes are " +
                      ToString(boxes->dims) + ", scores " + ToString(scores->dims),
                  "set outputs[0].strides and outputs[0].anchors");
  }
  Candidates candidates;
  for (int64_t i = 0; i < rows.count; ++i) {
    const float score = Sigmoid(std::clamp(scores->values[static_cast<size_t>(i)], -kMaxLogit, kMaxLogit));
    if (!(score >= call.min_score)) continue;
    const auto row = RowOf(*boxes, rows, i);
    const media::PointF& centre = centres[static_cast<size_t>(i)];
    const double cx = row[0] + centre.x * call.width;
    const double cy = row[1] + centre.y * call.height;
    Candidate candidate{{cx - row[2] / 2, cy - row[3] / 2, cx + row[2] / 2, cy + row[3] / 2}, 0, score, {}};
    for (size_t k = 4; k + 1 < row.size(); k += 2) {
      candidate.keypoints.push_back({row[k] + centre.x * call.width, row[k + 1] + centre.y * call.height});
    }
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

}  // namespace slipway::tasks
