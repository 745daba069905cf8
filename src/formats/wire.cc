#include "formats/wire.h"

namespace slipway {
namespace {

std::optional<uint64_t> ReadVarint(std::span<const uint8_t>& rest) {
  uint64_t value = 0;
  for (size_t i = 0; i < rest.size() && i < 10; ++i) {
    value |= static_cast<uint64_t>(rest[i] & 0x7F) << (7 * i);
    if (rest[i] & 0x80) continue;
    rest = rest.subspan(i + 1);
    return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::vector<WireField>> ScanWire(std::span<const uint8_t> rest, size_t max_fields) {
  std::vector<WireField> fields;
  while (!rest.empty() && fields.size() < max_fields) {
    const auto tag = ReadVarint(rest);
    if (!tag || (*tag >> 3) == 0 || (*tag >> 3) > 536870911) return std::nullopt;
    WireField field;
    field.number = static_cast<uint32_t>(*tag >> 3);
    field.wire_type = static_cast<int>(*tag & 7);
    if (field.wire_type == 0 || field.wire_type == 2) {
      const auto number = ReadVarint(rest);
      if (!number) return std::nullopt;
      field.varint = *number;
    }
    size_t skip = 0;
    switch (field.wire_type) {
      case 0: break;
      case 1: skip = 8; break;
      case 5: skip = 4; break;
      case 2:
        field.declared_size = field.varint;
        skip = field.varint < rest.size() ? static_cast<size_t>(field.varint) : rest.size();
        field.payload = rest.first(skip);
        break;
      default: return std::nullopt;
    }
    if (skip > rest.size()) return std::nullopt;
    rest = rest.subspan(skip);
    fields.push_back(field);
    if (field.IsCutOff()) break;
  }
  return fields;
}

}  // namespace slipway
