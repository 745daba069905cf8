// Zip archives: a bounded reader (stored and deflated entries) and a writer that stores.
//
// Source: PKWARE's APPNOTE. Left out on purpose: encryption, zip64, multi-disk, other compression methods.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipway/status.h"

namespace slipway {

struct ZipEntry {
  std::string name;
  uint16_t method = 0;  // 0 stored, 8 deflated
  uint32_t crc32 = 0;
  uint64_t compressed_bytes = 0;
  uint64_t size_bytes = 0;
  uint64_t data_offset = 0;  // in the archive's bytes
};

// True when the bytes end with a zip's end-of-central-directory record (a zip may follow other data).
bool HasZip(std::span<const uint8_t> bytes);
// The directory; every entry's extent has been checked to lie within `bytes`.
Result<std::vector<ZipEntry>> ReadZipDirectory(std::span<const uint8_t> bytes);
// One entry's content, checked against its size and CRC. Refused above `max_bytes`.
Result<std::string> ReadZipEntry(std::span<const uint8_t> bytes, const ZipEntry& entry, uint64_t max_bytes);

// A whole archive of stored entries.
std::string WriteZip(const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace slipway
