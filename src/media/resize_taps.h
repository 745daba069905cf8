// Private to resize: which input samples each output sample of one axis is made of.
#pragma once

#include <cstdint>
#include <vector>

#include "media/resize.h"

namespace slipway::media {

// Output i = sum over j < width of weights[i * width + j] * input[first[i] + j]. Every window lies inside the
// input; the borders are folded into the weights.
struct Taps {
  int width = 1;
  std::vector<int32_t> first;
  std::vector<double> weights;

  bool IsIdentity(int input_size) const;
};

// One axis of a resize by a filter other than nearest. `is_enlarging`: either axis grows (OpenCV's area
// filter then turns into a kind of bilinear on both).
struct AxisSpec {
  int in = 0;
  int out = 0;
  ResizeOptions options;
  bool is_enlarging = false;
};
Taps MakeTaps(const AxisSpec& spec);

// Input index of every output index under Filter::kNearest.
std::vector<int32_t> NearestIndices(int in, int out, const ResizeOptions& options);

// The plain bilinear rule of one axis, kept in float: value = low + (high - low) * fraction.
struct Lerp {
  int32_t low = 0;
  int32_t high = 0;
  float fraction = 0;
};
std::vector<Lerp> MakeLerps(int in, int out, Convention convention);

}  // namespace slipway::media
