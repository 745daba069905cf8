// Bilinear resampling of f32 images by taps and weights that were computed beforehand.
#pragma once

#include <cstdint>
#include <vector>

namespace slipway::cpu {

// One output position along an axis: weight_low * x[low] + weight_high * x[high].
struct LinearTap {
  int64_t low = 0, high = 0;
  float weight_low = 0.5F, weight_high = 0.5F;
};

struct BilinearPlan {
  int64_t in_h = 1, in_w = 1, inner = 1;  // x: [outer][in_h][in_w][inner]
  std::vector<LinearTap> rows, columns;   // y: [outer][rows][columns][inner]
};

// Rows [begin, end) of outer * rows.
void ResizeBilinearRows(const BilinearPlan& plan, const float* x, int64_t begin, int64_t end, float* y);

}  // namespace slipway::cpu
