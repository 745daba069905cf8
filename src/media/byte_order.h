// Private to media: integers of either byte order out of raw bytes. Callers check the bounds.
#pragma once

#include <cstdint>

namespace slipway::media {

inline uint16_t LoadLe16(const uint8_t* p) { return static_cast<uint16_t>(p[0] | p[1] << 8); }
inline uint16_t LoadBe16(const uint8_t* p) { return static_cast<uint16_t>(p[0] << 8 | p[1]); }
inline uint32_t LoadLe32(const uint8_t* p) {
  return LoadLe16(p) | static_cast<uint32_t>(LoadLe16(p + 2)) << 16;
}
inline uint32_t LoadBe32(const uint8_t* p) {
  return static_cast<uint32_t>(LoadBe16(p)) << 16 | LoadBe16(p + 2);
}

}  // namespace slipway::media
