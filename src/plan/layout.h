// Where things stand in a .slip file. Shared by the writer and the reader.
#pragma once

#include <cstdint>

namespace slipway {

// Little-endian, at offset 0. Never reorder.
struct SlipHeader {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
  uint64_t graph_offset;  // of the FlatBuffers part
  uint64_t graph_bytes;
  uint64_t data_offset;  // of weights and other bulk data
  uint64_t data_bytes;
  uint32_t graph_crc32;  // of the FlatBuffers part (zlib's CRC-32)
  uint32_t reserved;     // 0
  uint64_t file_bytes;
};
static_assert(sizeof(SlipHeader) == 64);

// Every tensor starts on a cache line, so that kernels may use mapped weights as they are.
inline constexpr uint64_t kSlipAlignment = 64;

constexpr uint64_t AlignSlip(uint64_t offset) {
  return (offset + kSlipAlignment - 1) / kSlipAlignment * kSlipAlignment;
}

}  // namespace slipway
