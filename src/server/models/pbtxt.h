// Protobuf's text format, as config.pbtxt files use it: a tree of named fields that know where they stand.
//
// Source: the Text Format Language Specification of protobuf. Stricter than formats/proto_text.h, which reads
// old networks of others and leaves the types to its reader: kinds of scalars and columns are kept here, so
// that a wrong value is pointed at. Left out: extension names, Any, numbers as field names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "slipway/status.h"

namespace slipway::server::pbtxt {

inline constexpr int kMaxDepth = 32;                  // Triton's messages nest six deep
inline constexpr size_t kMaxBytes = size_t{1} << 20;  // real ones have a few thousand
inline constexpr size_t kMaxFields = size_t{1} << 16;
inline constexpr size_t kMaxNameBytes = 256;

enum class Kind : uint8_t {
  kMessage,
  kString,     // quoted; text is its content
  kWord,       // an enum's value, true, false, inf ...
  kNumber,     // text is its spelling, the sign first
  kEmptyList,  // "name: []": there is such a name, without a value
  kJsonText,   // from JSON, where enums and large numbers are strings too
};

struct Field;

// Fields in file order; a repeated field stands several times, however it is written.
struct Message {
  std::vector<Field> fields;
};

struct Field {
  std::string name;
  int line = 0;    // 1-based, of the name, or of the value in a list; 0: not from a file
  int column = 0;  // 1-based, in bytes
  Kind kind = Kind::kEmptyList;
  std::string text;
  Message message;
};

// Errors (kInvalidModel) begin with "<file_name>:<line>:<column>: ". Depth, size and number of fields are
// bounded; strings are bytes and need not be UTF-8.
Result<Message> Parse(std::string_view text, std::string_view file_name);

// Is it a number of the text format, without a sign: decimal, octal, hexadecimal, or floating?
bool IsNumber(std::string_view text);

}  // namespace slipway::server::pbtxt
