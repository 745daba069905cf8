// Greedy non-maximum suppression on corner arrays, so that the inner loop vectorises.
#include <algorithm>
#include <numeric>

#include "tasks/vision/candidate.h"

namespace slipway::tasks {
namespace {

// Kept boxes as columns: one box against all of them is a straight loop.
struct Columns {
  std::vector<float> left, top, right, bottom, area;
  std::vector<int64_t> classes;

  void Add(const Candidate& candidate) {
    const media::BoxF& box = candidate.box;
    left.push_back(static_cast<float>(box.left));
    top.push_back(static_cast<float>(box.top));
    right.push_back(static_cast<float>(box.right));
    bottom.push_back(static_cast<float>(box.bottom));
    area.push_back(static_cast<float>(std::max(0.0, box.Width()) * std::max(0.0, box.Height())));
    classes.push_back(candidate.class_index);
  }
};

// Does the box overlap a kept one of its class (or any, if class_index is -1) by more than `limit`?
bool IsSuppressed(const Columns& kept, const media::BoxF& box, int64_t class_index, float limit) {
  const auto left = static_cast<float>(box.left);
  const auto top = static_cast<float>(box.top);
  const auto right = static_cast<float>(box.right);
  const auto bottom = static_cast<float>(box.bottom);
  const float area = std::max(0.0f, right - left) * std::max(0.0f, bottom - top);
  int hits = 0;
  const size_t count = kept.left.size();
  for (size_t i = 0; i < count; ++i) {
    const float w = std::max(0.0f, std::min(right, kept.right[i]) - std::max(left, kept.left[i]));
    const float h = std::max(0.0f, std::min(bottom, kept.bottom[i]) - std::max(top, kept.top[i]));
    const float both = w * h;
    const bool is_same = class_index < 0 || kept.classes[i] == class_index;
    hits += both > limit * (area + kept.area[i] - both) && is_same;
  }
  return hits > 0;
}

Candidates Pass(Candidates candidates, double limit, bool is_per_class, size_t max_kept) {
  if (limit >= 1) return candidates;
  Columns columns;
  Candidates kept;
  for (Candidate& candidate : candidates) {
    if (kept.size() >= max_kept) break;
    const int64_t class_index = is_per_class ? candidate.class_index : -1;
    if (IsSuppressed(columns, candidate.box, class_index, static_cast<float>(limit))) continue;
    columns.Add(candidate);
    kept.push_back(std::move(candidate));
  }
  return kept;
}

}  // namespace

double Iou(const media::BoxF& a, const media::BoxF& b) {
  const double w = std::max(0.0, std::min(a.right, b.right) - std::max(a.left, b.left));
  const double h = std::max(0.0, std::min(a.bottom, b.bottom) - std::max(a.top, b.top));
  const double both = w * h;
  const double either = std::max(0.0, a.Width()) * std::max(0.0, a.Height()) +
                        std::max(0.0, b.Width()) * std::max(0.0, b.Height()) - both;
  return either > 0 ? both / either : 0;
}

Candidates Suppress(Candidates candidates, double iou, double cross_class_iou, size_t max_detections) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  candidates = Pass(std::move(candidates), iou, true, SIZE_MAX);
  candidates = Pass(std::move(candidates), cross_class_iou, false, max_detections);
  if (candidates.size() > max_detections) candidates.resize(max_detections);
  return candidates;
}

}  // namespace slipway::tasks
