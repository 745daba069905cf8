#pragma once

#include <cstdint>
#include <span>

namespace slipway::media {

// An axis of a resize as resize_taps.h has it, with integer weights: output x is made of the pixels
// first[x] + j, weighed by weights[x * width + j], j < width.
struct ByteTaps {
  int width = 1;
  std::span<const int32_t> first;
  std::span<const int32_t> weights;
};

}  // namespace slipway::media
