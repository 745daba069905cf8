// What TensorFlow's fused cells share: their weights stand in one matrix, the inputs' rows before the
// state's.
#pragma once

#include <span>
#include <vector>

namespace slipway {

// bias + (x, h) weights; weights: [x + h, columns], row by row, bias: [columns].
std::vector<double> Affine(std::span<const double> x, std::span<const double> h,
                           const std::vector<double>& weights, const std::vector<double>& bias);

}  // namespace slipway
