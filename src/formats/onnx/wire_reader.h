// protozero, with field and wire type checked together. Throws within a decoder; decoders catch at their
// border.
#pragma once

#include <protozero/pbf_reader.hpp>
#include <stdexcept>
#include <string_view>

namespace slipway::onnx {

class DecodeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Reader : public protozero::pbf_reader {
 public:
  explicit Reader(std::string_view bytes) : pbf_reader(bytes.data(), bytes.size()) {}
};

// The bytes of the current length-delimited field.
inline std::string_view View(Reader& reader) {
  const auto view = reader.get_view();
  return {view.data(), view.size()};
}

// Cases of `switch (reader.tag_and_type())`.
constexpr uint32_t Varint(uint32_t tag) {
  return protozero::tag_and_type(tag, protozero::pbf_wire_type::varint);
}
constexpr uint32_t Payload(uint32_t tag) {
  return protozero::tag_and_type(tag, protozero::pbf_wire_type::length_delimited);
}
constexpr uint32_t Fixed32(uint32_t tag) {
  return protozero::tag_and_type(tag, protozero::pbf_wire_type::fixed32);
}
constexpr uint32_t Fixed64(uint32_t tag) {
  return protozero::tag_and_type(tag, protozero::pbf_wire_type::fixed64);
}

}  // namespace slipway::onnx
