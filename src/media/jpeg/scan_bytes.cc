#include "media/jpeg/scan_bytes.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace slipway::media::jpeg {
namespace {

// Copies what comes before the first 0xFF, at most `count` bytes: how many. Some of what follows it may be
// copied, too. Eight bytes at a time: a run is about 256 bytes long, too short for a call of memchr and one
// of memcpy.
size_t CopyRun(const uint8_t* from, size_t count, uint8_t* to) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t eight;
    std::memcpy(&eight, from + i, 8);
    std::memcpy(to + i, &eight, 8);
    // The top bit of each byte that is 0xFF, and perhaps of later ones (Warren, Hacker's Delight, 6-1).
    const uint64_t found = (~eight - kOnes) & eight & (kOnes << 7);
    if (found == 0) continue;
    if constexpr (std::endian::native == std::endian::little)
      return i + static_cast<size_t>(std::countr_zero(found)) / 8;
    break;
  }
  for (; i < count && from[i] != 0xFF; ++i) to[i] = from[i];
  return i;
}

}  // namespace

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
    const size_t run = CopyRun(rest_.data(), wanted, window_.data() + size_);
    size_ += run;
    rest_ = rest_.subspan(run);
    if (run == wanted && size_ == kCapacity) break;
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
