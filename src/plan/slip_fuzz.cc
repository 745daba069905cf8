// Fuzz entry: any bytes as a .slip file. The checksum of the graph is mended first, and those of the
// data are not looked at, so that mutations reach the reader.
#include <algorithm>
#include <cstring>
#include <vector>

#include "base/crc32.h"
#include "plan/layout.h"
#include "plan/slip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  slipway::SlipHeader header;
  if (size >= sizeof(header)) {
    std::memcpy(&header, bytes.data(), sizeof(header));
    std::memcpy(header.magic, slipway::kSlipMagic.data(), slipway::kSlipMagic.size());
    header.version = slipway::kSlipVersion;
    header.header_bytes = sizeof(header);
    header.file_bytes = size;
    header.graph_offset = sizeof(header);
    header.graph_bytes = std::min<uint64_t>(header.graph_bytes, size - sizeof(header));
    header.data_offset =
        std::min<uint64_t>(slipway::AlignSlip(header.graph_offset + header.graph_bytes), size);
    header.data_bytes = size - header.data_offset;
    header.graph_crc32 = slipway::Crc32({bytes.data() + header.graph_offset, header.graph_bytes});
    std::memcpy(bytes.data(), &header, sizeof(header));
  }
  const auto model = slipway::ParseSlip(bytes, nullptr, {.skips_checksums = true});
  if (model.ok()) (void)slipway::FormatSlip(*model);
  return 0;
}
