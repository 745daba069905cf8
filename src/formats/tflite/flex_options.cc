// Source: tensorflow/core/framework/{node_def,attr_value,types}.proto.
#include "formats/tflite/flex_options.h"

#include <exception>
#include <iterator>
#include <protozero/pbf_reader.hpp>
#include <string>

namespace slipway::tflite {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

DType DTypeOfTensorflow(int64_t number) {
  constexpr DType kDTypes[] = {DType::kNone, DType::kF32, DType::kF64, DType::kI32,
                               DType::kU8,   DType::kI16, DType::kI8,  DType::kString,
                               DType::kC64,  DType::kI64, DType::kBool};
  constexpr auto kCount = static_cast<int64_t>(std::size(kDTypes));
  return number >= 0 && number < kCount ? kDTypes[number] : DType::kNone;
}

std::string TextOf(pbf_reader& reader) {
  const auto view = reader.get_view();
  return {view.data(), view.size()};
}

constexpr uint32_t Field(protozero::pbf_tag_type number, pbf_wire_type type) {
  return protozero::tag_and_type(number, type);
}

// AttrValue.ListValue. Numbers stand packed or one by one.
void SetList(const std::string& name, pbf_reader list, Attrs& attrs) {
  Strings strings;
  Floats floats;
  Ints ints;
  while (list.next()) {
    switch (list.tag_and_type()) {
      case Field(2, pbf_wire_type::length_delimited): strings.push_back(TextOf(list)); break;
      case Field(3, pbf_wire_type::varint): ints.push_back(list.get_int64()); break;
      case Field(3, pbf_wire_type::length_delimited):
        for (const int64_t value : list.get_packed_int64()) ints.push_back(value);
        break;
      case Field(4, pbf_wire_type::fixed32): floats.push_back(list.get_float()); break;
      case Field(4, pbf_wire_type::length_delimited):
        for (const float value : list.get_packed_float()) floats.push_back(value);
        break;
      case Field(5, pbf_wire_type::varint): ints.push_back(list.get_bool() ? 1 : 0); break;
      case Field(5, pbf_wire_type::length_delimited):
        for (const bool value : list.get_packed_bool()) ints.push_back(value ? 1 : 0);
        break;
      default: list.skip();
    }
  }
  if (!strings.empty()) return attrs.Set(name, std::move(strings));
  if (!floats.empty()) return attrs.Set(name, std::move(floats));
  attrs.Set(name, std::move(ints));
}

void SetValue(const std::string& name, pbf_reader value, Attrs& attrs) {
  while (value.next()) {
    switch (value.tag_and_type()) {
      case Field(1, pbf_wire_type::length_delimited): SetList(name, value.get_message(), attrs); break;
      case Field(2, pbf_wire_type::length_delimited): attrs.Set(name, TextOf(value)); break;
      case Field(3, pbf_wire_type::varint): attrs.Set(name, value.get_int64()); break;
      case Field(4, pbf_wire_type::fixed32): attrs.Set(name, value.get_float()); break;
      case Field(5, pbf_wire_type::varint): attrs.Set(name, int64_t{value.get_bool() ? 1 : 0}); break;
      case Field(6, pbf_wire_type::varint): attrs.Set(name, DTypeOfTensorflow(value.get_int64())); break;
      default: value.skip();
    }
  }
}

}  // namespace

Attrs DecodeNodeDef(std::string_view node_def) {
  Attrs attrs;
  try {
    pbf_reader node(node_def.data(), node_def.size());
    while (node.next()) {
      if (node.tag_and_type() != Field(5, pbf_wire_type::length_delimited)) {
        node.skip();
        continue;
      }
      std::string name;
      pbf_reader entry = node.get_message();
      while (entry.next()) {
        if (entry.tag_and_type() == Field(1, pbf_wire_type::length_delimited)) {
          name = TextOf(entry);
        } else if (entry.tag_and_type() == Field(2, pbf_wire_type::length_delimited)) {
          SetValue(name, entry.get_message(), attrs);
        } else {
          entry.skip();
        }
      }
    }
  } catch (const std::exception&) {
    return {};
  }
  return attrs;
}

}  // namespace slipway::tflite
