// MediaPipe's face detectors (BlazeFace, Bazarevsky et al., 2019): rows of [x, y, w, h, key points...]
// relative to anchors on a few grids, and class scores per anchor (one logit for a face).
#include "tasks/vision/decode/priors.h"
#include "tasks/vision/decode/scores.h"

namespace slipway::tasks {
namespace {

// Key points stand behind the box, two numbers each.
Result<int64_t> KeypointsOf(const OutputSpec& spec, const RealOutput& boxes, int64_t row_width) {
  const int64_t available = (row_width - 4) / 2;
  if (spec.keypoints <= available) return spec.keypoints > 0 ? spec.keypoints : available;
  return Status(Code::kInvalidModel,
                "outputs[0].keypoints is " + std::to_string(spec.keypoints) + ", boxes " +
                    ToString(boxes.dims) + " have room for " + std::to_string(available),
                "correct outputs[0].keypoints");
}

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
  if (!call.spec.anchors) {
    return Status(Code::kInvalidModel, "needs anchors",
                  "set outputs[0].strides and outputs[0].anchors in the manifest");
  }
  SLIPWAY_ASSIGN_OR_RETURN(const auto priors, MakePriors(call.spec, call.width, call.height));
  const Rows rows = RowsOf(*boxes), score_rows = RowsOf(*scores);
  if (rows.width < 4 || rows.count != static_cast<int64_t>(priors.size()) || rows.count != score_rows.count) {
    return Status(Code::kInvalidModel,
                  "the grids have " + std::to_string(priors.size()) + " anchors, boxes are " +
                      ToString(boxes->dims) + ", scores " + ToString(scores->dims),
                  "set outputs[0].strides and outputs[0].anchors");
  }
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t keypoints, KeypointsOf(call.spec, *boxes, rows.width));
  Candidates candidates;
  for (int64_t i = 0; i < rows.count; ++i) {
    const BestClass best = FindBest(call.spec, RowOf(*scores, score_rows, i));
    if (best.index < 0 || !(best.score >= call.min_score)) continue;
    const auto row = RowOf(*boxes, rows, i);
    const Prior& prior = priors[static_cast<size_t>(i)];
    Candidate candidate{BoxAgainst(call, prior, row), best.index, best.score, {}};
    for (size_t k = 0; k < static_cast<size_t>(keypoints); ++k)
      candidate.keypoints.push_back(PointAgainst(call, prior, row[4 + 2 * k], row[5 + 2 * k]));
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

}  // namespace slipway::tasks
