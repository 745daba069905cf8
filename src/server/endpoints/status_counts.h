// How often each HTTP status was answered.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace slipway::server {

// Every method may be called from any thread.
class StatusCounts {
 public:
  static constexpr int kEnd = 600;  // of the statuses that there are

  void Add(int status) {
    if (status >= 0 && status < kEnd) ++counts_[static_cast<size_t>(status)];
  }
  // REQUIRES: 0 <= status < kEnd.
  uint64_t Of(int status) const { return counts_[static_cast<size_t>(status)]; }

 private:
  std::array<std::atomic<uint64_t>, kEnd> counts_{};
};

}  // namespace slipway::server
