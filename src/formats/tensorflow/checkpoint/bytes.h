// Reading numbers off the front of bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace slipway::tensorflow {

// LEB128 of at most ten bytes; moves `rest` behind it. nullopt: it is cut off or too long.
inline std::optional<uint64_t> TakeVarint(std::span<const uint8_t>& rest) {
  uint64_t value = 0;
  for (size_t i = 0; i < rest.size() && i < 10; ++i) {
    value |= static_cast<uint64_t>(rest[i] & 0x7F) << (7 * i);
    if ((rest[i] & 0x80) != 0) continue;
    rest = rest.subspan(i + 1);
    return value;
  }
  return std::nullopt;
}

// Little endian. REQUIRES: four bytes from `at` on.
inline uint32_t LoadU32(std::span<const uint8_t> bytes, size_t at) {
  return bytes[at] | static_cast<uint32_t>(bytes[at + 1]) << 8 | static_cast<uint32_t>(bytes[at + 2]) << 16 |
         static_cast<uint32_t>(bytes[at + 3]) << 24;
}

}  // namespace slipway::tensorflow
