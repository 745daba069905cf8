// Anchors (priors) and boxes relative to them, shared by the decoders `ssd` and `anchors`.
//
// Sources: SSD (Liu et al., 2016), MediaPipe's SsdAnchorsCalculator, RetinaFace's and UltraFace's PriorBox.
// Left out: MediaPipe's reduce_boxes_in_lowest_layer; where a model was trained with it, list the boxes one
// by one.
#pragma once

#include <span>
#include <vector>

#include "tasks/vision/candidate.h"

namespace slipway::tasks {

// Centre and size, as ratios of the model's input.
struct Prior {
  double cx = 0, cy = 0, w = 1, h = 1;
};

// In the order of the model's rows: by grid, line, column, then by size. Either the manifest's own `boxes`,
// or on the grids of `strides`: squares of `min_sizes`, else sides from min_scale to max_scale; each in every
// aspect ratio. Empty without anchors. Errors name the key that is missing or wrong; at most 1,000,000 are
// made.
Result<std::vector<Prior>> MakePriors(const OutputSpec& spec, int width, int height);

// Row i as corners in pixels of the input: x, y, w, h (or y, x, h, w, by the box order) times the variances,
// relative to the prior's centre and size; pixel coordinates are divided by the input's size first.
media::BoxF BoxAgainst(const DecodeCall& call, const Prior& prior, std::span<const float> row);
// The same for a key point x, y (or y, x).
media::PointF PointAgainst(const DecodeCall& call, const Prior& prior, float first, float second);

}  // namespace slipway::tasks
