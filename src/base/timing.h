// Durations, for what measures and reports them.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace slipway {

using SteadyClock = std::chrono::steady_clock;

inline double MillisecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count();
}

// The middle one, of an even number the later; 0 of none.
inline double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace slipway
