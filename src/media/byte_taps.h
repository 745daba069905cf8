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

// PIL's weights: 1 is 2^22, and sums are rounded to nearest.
inline constexpr int kPilBits = 22;
inline constexpr int32_t kPilHalf = 1 << (kPilBits - 1);

}  // namespace slipway::media
