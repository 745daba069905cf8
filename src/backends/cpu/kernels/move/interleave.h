// Few planes to pixels.
#pragma once

#include <cstdint>

namespace slipway::cpu {

constexpr int64_t kMaxPlanes = 4;

// x: [planes][pixels], planes `plane_step` apart, 1 to kMaxPlanes of them; y: [pixels][planes]. Planes are
// read, and pixels written, from end to end; x and y do not overlap.
void InterleavePlanes(const float* x, int64_t plane_step, int64_t planes, int64_t pixels, float* y);

}  // namespace slipway::cpu
