// Floats that a kernel packs once and reads at every run.
#pragma once

#include <cstdint>
#include <memory>

#include "base/pages.h"

namespace slipway {

// Zeroed, aligned to 64 bytes, in large pages where that pays. Movable.
class PackedFloats {
 public:
  PackedFloats() = default;
  explicit PackedFloats(int64_t count)
      : count_(count), memory_(AllocateLargePages(static_cast<size_t>(count) * sizeof(float))) {}

  float* data() { return static_cast<float*>(memory_.get()); }
  const float* data() const { return static_cast<const float*>(memory_.get()); }
  bool empty() const { return count_ == 0; }

 private:
  int64_t count_ = 0;
  std::shared_ptr<void> memory_;
};

}  // namespace slipway
