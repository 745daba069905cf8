#include "media/jpeg/scan_bytes.h"

#include <algorithm>
#include <cstring>

namespace slipway::media::jpeg {

const uint8_t* ScanBytes::Begin() {
  size_ = 0;
  at_marker_ = false;
  return Fill() ? window_.data() : nullptr;
}

const uint8_t* ScanBytes::More(const uint8_t* next) {
  const auto left = static_cast<size_t>(End() - next);
  std::memmove(window_.data(), next, left);
  size_ = left;
  return Fill() ? window_.data() : nullptr;
}

uint8_t ScanBytes::TakeMarker() {
  const uint8_t code = rest_[1];
  rest_ = rest_.subspan(2);
  return code;
}

// Runs without 0xFF, each followed by a stuffed one, until the window is full or a marker comes.
bool ScanBytes::Fill() {
  while (size_ < kCapacity) {
    const size_t wanted = std::min(kCapacity - size_, rest_.size());
    const auto* found = static_cast<const uint8_t*>(std::memchr(rest_.data(), 0xFF, wanted));
    const size_t run = found == nullptr ? wanted : static_cast<size_t>(found - rest_.data());
    std::memcpy(window_.data() + size_, rest_.data(), run);
    size_ += run;
    rest_ = rest_.subspan(run);
    if (found == nullptr && size_ == kCapacity) break;
    // The end of the file, or fill bytes.
    if (rest_.size() < 2 || rest_[1] == 0xFF) return false;
    at_marker_ = rest_[1] != 0;
    if (at_marker_) break;
    window_[size_++] = 0xFF;
    rest_ = rest_.subspan(2);
  }
  std::memset(window_.data() + size_, 0, kAhead);
  return true;
}

}  // namespace slipway::media::jpeg
