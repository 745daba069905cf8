// Private to media: the entropy-coded bytes of a scan without the zeros stuffed into them, through a window
// that stays in the cache.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace slipway::media::jpeg {

class ScanBytes {
 public:
  // What a caller may read at and after any position below End() without asking.
  static constexpr size_t kAhead = 2048;

  // rest: from the first byte of the scan to the end of the file; has to outlive this.
  explicit ScanBytes(std::span<const uint8_t> rest) : rest_(rest) {}

  // The bytes of the next restart interval, from their first on; nullptr where the file ends.
  // REQUIRES: AtMarker(), or nothing read yet.
  const uint8_t* Begin();
  // Where the window ends. Behind it zeros follow as far as kAhead.
  const uint8_t* End() const { return window_.data() + size_; }
  // From here on either More() has to be called or, AtMarker(), the end is near.
  const uint8_t* LowMark() const { return End() - (at_marker_ ? 0 : kAhead); }
  // Whether the window holds all up to the next marker.
  bool AtMarker() const { return at_marker_; }
  // Moves what is left from `next` on to the window's front and fills it up: where `next` is now; nullptr
  // where the file ends without a marker. REQUIRES: !AtMarker(), next within the window.
  const uint8_t* More(const uint8_t* next);
  // The code of the marker, which is then behind us. REQUIRES: AtMarker()
  uint8_t TakeMarker();

 private:
  bool Fill();

  static constexpr size_t kCapacity = 16384;

  std::span<const uint8_t> rest_;  // what is not in the window; from the marker on where one was met
  size_t size_ = 0;
  bool at_marker_ = false;
  std::array<uint8_t, kCapacity + kAhead> window_;
};

}  // namespace slipway::media::jpeg
