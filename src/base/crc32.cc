#include "base/crc32.h"

#if SLIPWAY_HAS_LIBDEFLATE
#include <libdeflate.h>
#else
#include <zlib.h>
#endif

namespace slipway {

uint32_t Crc32(std::span<const uint8_t> bytes, uint32_t before) {
  if (bytes.empty()) return before;
#if SLIPWAY_HAS_LIBDEFLATE
  return ::libdeflate_crc32(before, bytes.data(), bytes.size());
#else
  return static_cast<uint32_t>(::crc32_z(before, bytes.data(), bytes.size()));
#endif
}

}  // namespace slipway
