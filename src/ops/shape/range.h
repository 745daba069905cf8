// start:end:step along an axis.
#pragma once

#include <algorithm>
#include <cstdint>

namespace slipway {

// Indices start, start + step, ..., `count` of them, all within the axis.
struct SliceRange {
  int64_t start;
  int64_t step;
  int64_t count;
};

// numpy's rule: negative bounds count from the end, bounds beyond the axis are clamped. REQUIRES: step != 0.
inline SliceRange ClampRange(int64_t start, int64_t end, int64_t step, int64_t extent) {
  const int64_t low = step > 0 ? 0 : -1;
  const int64_t high = step > 0 ? extent : extent - 1;
  const auto clamp = [&](int64_t bound) {
    return std::clamp(bound < 0 ? bound + extent : bound, low, std::max(low, high));
  };
  start = clamp(start);
  end = clamp(end);
  if (step > 0 ? start >= end : start <= end) return {0, 1, 0};
  // Unsigned: INT64_MIN has no positive twin. A step beyond the axis visits one index.
  const uint64_t span = static_cast<uint64_t>(step > 0 ? end - start : start - end);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const auto count = static_cast<int64_t>((span - 1) / stride + 1);
  return {start, count == 1 ? 1 : step, count};
}

}  // namespace slipway
