// Option tables of TFLite operators as attributes.
//
// The schema itself travels in the binary (flatc's binary schema) and is walked beside the data, so no
// operator's options are spelled out here: a field becomes an attribute of the same name, absent fields with
// their default. Enums become their names ("SAME", "RELU6"), element types a DType, booleans 0 or 1, vectors
// lists; nested tables are flattened with a dot. Custom operators' options are FlexBuffers maps and are
// decoded likewise.
#pragma once

#include <span>
#include <string_view>

#include "ir/attrs.h"

namespace flatbuffers {
class Table;
}

namespace slipway::tflite {

// `table`: verified, of the schema's type `type_name` ("Conv2DOptions").
Attrs DecodeOptions(const flatbuffers::Table& table, std::string_view type_name);

// All options of `type_name` at their defaults, for operators that carry no table.
Attrs DefaultOptions(std::string_view type_name);

// bytes: a FlexBuffers map, or what a Flex operator has (flex_options.h); anything else, broken ones
// included, gives {"custom_options": the bytes}.
Attrs DecodeCustomOptions(std::span<const uint8_t> bytes);

}  // namespace slipway::tflite
