// CRC-32 as zlib, PNG and ZIP have it (polynomial 0xEDB88320).
#pragma once

#include <cstdint>
#include <span>

namespace slipway {

// Of these bytes, or, with the CRC of what came before, of both. By libdeflate where it is there, which uses
// the machine's carry-less multiplication and is some ten times as fast as zlib.
uint32_t Crc32(std::span<const uint8_t> bytes, uint32_t before = 0);

}  // namespace slipway
