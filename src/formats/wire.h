// A first look at a protobuf message of unknown type: its top-level fields, bounds-checked, nothing decoded.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace slipway {

struct WireField {
  uint32_t number = 0;
  int wire_type = 0;  // 0 varint, 1 fixed64, 2 length-delimited, 5 fixed32
  uint64_t varint = 0;
  std::span<const uint8_t> payload;  // wire_type 2: as much of it as the file has
  uint64_t declared_size = 0;        // wire_type 2

  bool IsCutOff() const { return wire_type == 2 && payload.size() < declared_size; }
};

// Top-level fields up to `max_fields`; stops at the first cut-off one (which is returned). nullopt: not
// protobuf.
std::optional<std::vector<WireField>> ScanWire(std::span<const uint8_t> bytes, size_t max_fields);

}  // namespace slipway
