// Protobuf's text format, as .prototxt and .pbtxt files use it: a tree of named fields, types left to the
// reader.
//
// Source: the Text Format Language Specification of protobuf. Left out: extension names, Any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "slipway/status.h"

namespace slipway::proto_text {

struct Field;

// Fields in file order; a repeated field stands several times.
struct Message {
  std::vector<Field> fields;

  // The last field of that name (as protobuf merges scalars), or null.
  const Field* Find(std::string_view name) const;
  // The last field of that name that is a message, or null.
  const Message* Child(std::string_view name) const;
  std::vector<const Field*> All(std::string_view name) const;
  // The text of every field of that name, and of the last one ("" when absent).
  std::vector<std::string> Texts(std::string_view name) const;
  std::string Text(std::string_view name) const;
};

struct Field {
  std::string name;
  int line = 0;  // 1-based
  bool is_message = false;
  std::string text;  // a scalar's spelling; of strings the content
  Message message;
};

// `what` the file should be, for hints: "a Caffe network description". Errors (kInvalidModel) name the line.
// Nesting and size are bounded.
Result<Message> ParseText(std::string_view text, std::string_view what);

}  // namespace slipway::proto_text
