#include "ops/rnn/block_cell.h"

namespace slipway {

std::vector<double> Affine(std::span<const double> x, std::span<const double> h,
                           const std::vector<double>& weights, const std::vector<double>& bias) {
  std::vector<double> sums = bias;
  for (size_t row = 0; row < x.size() + h.size(); ++row) {
    const double value = row < x.size() ? x[row] : h[row - x.size()];
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += value * weights[row * sums.size() + i];
  }
  return sums;
}

}  // namespace slipway
