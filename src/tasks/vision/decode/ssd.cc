// SSD: boxes [1,A,4] or [1,A,1,4] and class scores [1,A,C], already decoded against their anchors.
#include <algorithm>

#include "tasks/vision/decode/scores.h"

namespace slipway::tasks {
namespace {

// Roles by name, else by shape: boxes end in 4 (of two such, the one with fewer columns per anchor).
struct Pair {
  const RealOutput* boxes = nullptr;
  const RealOutput* scores = nullptr;
};

Pair FindPair(const DecodeCall& call) {
  Pair pair{call.Role("boxes"), call.Role("scores")};
  for (const RealOutput& output : call.outputs) {
    const bool is_boxes = !output.dims.empty() && output.dims.back() == 4;
    if (pair.boxes == nullptr && is_boxes && &output != pair.scores) {
      pair.boxes = &output;
    } else if (pair.scores == nullptr && &output != pair.boxes) {
      pair.scores = &output;
    }
  }
  return pair;
}

}  // namespace

Result<Candidates> DecodeSsd(const DecodeCall& call) {
  const Pair pair = FindPair(call);
  if (pair.boxes == nullptr || pair.scores == nullptr) {
    return Status(Code::kInvalidModel, "needs boxes [1,A,4] and scores [1,A,C]",
                  "name them in outputs[0].tensors");
  }
  const Rows boxes = RowsOf(*pair.boxes);
  const Rows scores = RowsOf(*pair.scores);
  if (boxes.width != 4 || boxes.count != scores.count) {
    return Status(Code::kInvalidModel, "boxes " + ToString(pair.boxes->dims) + " and scores " +
                                           ToString(pair.scores->dims) + " do not match");
  }
  Candidates candidates;
  for (int64_t i = 0; i < scores.count; ++i) {
    const auto row = RowOf(*pair.scores, scores, i);
    const BestClass best = FindBest(call.spec, row);
    if (best.index < 0 || !(best.score >= call.min_score)) continue;
    const auto box = RowOf(*pair.boxes, boxes, i);
    candidates.push_back({call.ToPixels(box[0], box[1], box[2], box[3]), best.index, best.score, {}});
  }
  return candidates;
}

}  // namespace slipway::tasks
