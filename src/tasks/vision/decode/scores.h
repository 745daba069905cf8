// What decoders share: activations of scores and the best class of a row.
#pragma once

#include <cmath>
#include <span>

#include "tasks/vision/candidate.h"

namespace slipway::tasks {

inline float Sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

struct BestClass {
  int64_t index = -1;
  float score = 0;
};

// The best class of one row under the spec's activation; the background class never wins.
inline BestClass FindBest(const OutputSpec& spec, std::span<const float> row) {
  BestClass best;
  float largest = -INFINITY;
  for (size_t i = 0; i < row.size(); ++i) {
    if (static_cast<int64_t>(i) == spec.background || row[i] <= largest) continue;
    largest = row[i];
    best.index = static_cast<int64_t>(i);
  }
  best.score = largest;
  if (spec.activation == ScoreActivation::kSigmoid) best.score = Sigmoid(largest);
  if (spec.activation == ScoreActivation::kSoftmax) {
    float sum = 0;
    float top = -INFINITY;
    for (float value : row) top = std::max(top, value);
    for (float value : row) sum += std::exp(value - top);
    best.score = std::exp(largest - top) / sum;
  }
  best.score *= static_cast<float>(spec.score_scale);
  return best;
}

// Last extent and the number of rows before it.
struct Rows {
  int64_t count = 0;
  int64_t width = 0;
};
inline Rows RowsOf(const RealOutput& output) {
  Rows rows;
  rows.width = output.dims.empty() ? 0 : output.dims.back();
  rows.count = rows.width > 0 ? static_cast<int64_t>(output.values.size()) / rows.width : 0;
  return rows;
}

inline std::span<const float> RowOf(const RealOutput& output, const Rows& rows, int64_t i) {
  return std::span(output.values)
      .subspan(static_cast<size_t>(i * rows.width), static_cast<size_t>(rows.width));
}

}  // namespace slipway::tasks
