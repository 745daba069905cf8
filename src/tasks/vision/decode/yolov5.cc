// YOLOv5: rows of [cx, cy, w, h, objectness, class scores...], decoded by the model itself.
#include "tasks/vision/decode/scores.h"

namespace slipway::tasks {

Result<Candidates> DecodeYolov5(const DecodeCall& call) {
  const RealOutput* output = call.Predictions();
  if (output == nullptr) return Status(Code::kInvalidModel, "needs one output [1,N,5+classes]");
  const Rows rows = RowsOf(*output);
  if (rows.width < 6)
    return Status(Code::kInvalidModel, "output " + ToString(output->dims) + " must be [1,N,5+classes]");
  Candidates candidates;
  for (int64_t i = 0; i < rows.count; ++i) {
    const auto row = RowOf(*output, rows, i);
    const float objectness = call.spec.activation == ScoreActivation::kSigmoid ? Sigmoid(row[4]) : row[4];
    if (!(objectness >= call.min_score)) continue;
    const BestClass best = FindBest(call.spec, row.subspan(5));
    const float score = objectness * best.score;
    if (!(score >= call.min_score)) continue;
    candidates.push_back({call.ToPixels(row[0], row[1], row[2], row[3]), best.index, score, {}});
  }
  return candidates;
}

}  // namespace slipway::tasks
