// YOLOv8 and later: columns of [cx, cy, w, h, class scores...] ([1,4+classes,N]), or rows ([1,N,4+classes]).
#include "tasks/vision/decode/scores.h"

namespace slipway::tasks {

Result<Candidates> DecodeYolov8(const DecodeCall& call) {
  const RealOutput* output = call.Predictions();
  if (output == nullptr || output->dims.size() < 2)
    return Status(Code::kInvalidModel, "needs one output [1,4+classes,N]");
  const int64_t a = output->dims[output->dims.size() - 2];
  const int64_t b = output->dims.back();
  // There are always far more boxes than classes.
  const bool is_columns = a < b;
  const int64_t width = is_columns ? a : b;
  const int64_t count = is_columns ? b : a;
  if (width < 5)
    return Status(Code::kInvalidModel, "output " + ToString(output->dims) + " must be [1,4+classes,N]");
  Candidates candidates;
  std::vector<float> row(static_cast<size_t>(width));
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t k = 0; k < width; ++k) {
      row[static_cast<size_t>(k)] =
          output->values[static_cast<size_t>(is_columns ? k * count + i : i * width + k)];
    }
    const BestClass best = FindBest(call.spec, std::span<const float>(row).subspan(4));
    if (!(best.score >= call.min_score)) continue;
    candidates.push_back({call.ToPixels(row[0], row[1], row[2], row[3]), best.index, best.score, {}});
  }
  return candidates;
}

}  // namespace slipway::tasks
