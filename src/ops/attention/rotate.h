// Tables of a rotary embedding, applied to one head of one token.
#pragma once

#include <vector>

#include "slipway/tensor.h"

namespace slipway {

// Which elements rotate together: i and i + half, or 2 i and 2 i + 1.
enum class Pairing { kHalves, kNeighbours };

class RotaryTables {
 public:
  // cosines, sines: rows of rotated / 2 numbers.
  RotaryTables(const Tensor& cosines, const Tensor& sines, int64_t rotated, Pairing pairing);

  int64_t rows() const;
  // Rotates the first `rotated` elements of x in place. REQUIRES: 0 <= row < rows().
  void Rotate(int64_t row, double* x) const;

 private:
  std::vector<double> cosines_;
  std::vector<double> sines_;
  int64_t half_;
  Pairing pairing_;
};

}  // namespace slipway
