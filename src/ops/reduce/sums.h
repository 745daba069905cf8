// Sums of slices.
#pragma once

#include <cstdint>
#include <span>

#include "slipway/dtype.h"

namespace slipway {

inline double Sum(std::span<const double> x) {
  double sum = 0;
  for (double value : x) sum += value;
  return sum;
}

inline double SumOfSquares(std::span<const double> x) {
  double sum = 0;
  for (double value : x) sum += value * value;
  return sum;
}

// Wraps around.
inline int64_t SumOfIntegers(std::span<const int64_t> x, DType) {
  uint64_t sum = 0;
  for (int64_t value : x) sum += static_cast<uint64_t>(value);
  return static_cast<int64_t>(sum);
}

}  // namespace slipway
