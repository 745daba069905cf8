// TFLite_Detection_PostProcess: boxes [1,N,4], classes [1,N], scores [1,N], count [1]; suppressed already.
#include <algorithm>

#include "tasks/vision/decode/scores.h"

namespace slipway::tasks {

Result<Candidates> DecodeSsdPostprocess(const DecodeCall& call) {
  // The operator's own order, unless the manifest names the roles.
  const auto at = [&](const char* role, size_t place) -> const RealOutput* {
    if (const RealOutput* named = call.Role(role)) return named;
    return place < call.outputs.size() ? &call.outputs[place] : nullptr;
  };
  const RealOutput* boxes = at("boxes", 0);
  const RealOutput* classes = at("classes", 1);
  const RealOutput* scores = at("scores", 2);
  const RealOutput* count = at("count", 3);
  if (!boxes || !classes || !scores || !count || count->values.empty()) {
    return Status(Code::kInvalidModel, "needs the four outputs boxes, classes, scores and count");
  }
  const size_t available =
      std::min({boxes->values.size() / 4, classes->values.size(), scores->values.size()});
  const size_t found = std::min(available, static_cast<size_t>(std::max(0.0f, count->values[0])));
  Candidates candidates;
  for (size_t i = 0; i < found; ++i) {
    const float score = scores->values[i] * static_cast<float>(call.spec.score_scale);
    if (!(score >= call.min_score)) continue;
    const float* box = boxes->values.data() + 4 * i;
    candidates.push_back({call.ToPixels(box[0], box[1], box[2], box[3]),
                          static_cast<int64_t>(std::lround(classes->values[i])),
                          score,
                          {}});
  }
  return candidates;
}

}  // namespace slipway::tasks
