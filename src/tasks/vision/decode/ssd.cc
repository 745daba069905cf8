// SSD: boxes [1,A,4] or [1,A,1,4] and class scores [1,A,C]: corners that the model decoded itself, or, where
// the manifest gives anchors, offsets from them.
#include "tasks/vision/decode/priors.h"
#include "tasks/vision/decode/scores.h"

namespace slipway::tasks {
namespace {

// Roles by name, else by shape: the first that ends in 4 is the boxes.
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

// Raw offsets read as corners give boxes turned inside out: better an error than nonsense.
Status CheckAreas(const DecodeCall& call, const Candidates& candidates) {
  size_t empty = 0;
  for (const Candidate& each : candidates) empty += each.box.Width() <= 0 || each.box.Height() <= 0;
  if (call.spec.anchors || 2 * empty <= candidates.size()) return Status::Ok();
  return Status(
      Code::kInvalidModel,
      std::to_string(empty) + " of " + std::to_string(candidates.size()) +
          " boxes have no area when read as " + std::string(NameOf(call.spec.box_order)) +
          ": another order, or offsets from anchors",
      "set outputs[0].box_order, or outputs[0].anchors and strides, in a manifest (docs/manifest.md)");
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
  SLIPWAY_ASSIGN_OR_RETURN(const auto priors, MakePriors(call.spec, call.width, call.height));
  if (call.spec.anchors && static_cast<int64_t>(priors.size()) != boxes.count) {
    return Status(Code::kInvalidModel,
                  "the manifest gives " + std::to_string(priors.size()) + " anchors, boxes are " +
                      ToString(pair.boxes->dims),
                  "correct outputs[0].strides and outputs[0].anchors");
  }
  Candidates candidates;
  for (int64_t i = 0; i < scores.count; ++i) {
    const auto row = RowOf(*pair.scores, scores, i);
    const BestClass best = FindBest(call.spec, row);
    if (best.index < 0 || !(best.score >= call.min_score)) continue;
    const auto box = RowOf(*pair.boxes, boxes, i);
    const media::BoxF pixels = call.spec.anchors ? BoxAgainst(call, priors[static_cast<size_t>(i)], box)
                                                 : call.ToPixels(box[0], box[1], box[2], box[3]);
    candidates.push_back({pixels, best.index, best.score, {}});
  }
  SLIPWAY_RETURN_IF_ERROR(CheckAreas(call, candidates));
  return candidates;
}

}  // namespace slipway::tasks
