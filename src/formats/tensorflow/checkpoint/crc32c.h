// CRC-32C (Castagnoli), as TensorFlow's checkpoints carry it.
#pragma once

#include <cstdint>
#include <span>

namespace slipway::tensorflow {

// Of `bytes` behind those whose sum is `before`.
uint32_t Crc32c(std::span<const uint8_t> bytes, uint32_t before = 0);

// Sums are stored rotated and shifted, so that a sum of bytes that hold sums stays useful (LevelDB's format).
inline uint32_t MaskedCrc(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

}  // namespace slipway::tensorflow
