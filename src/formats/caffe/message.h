// Caffe's messages as a tree of fields (../proto_text.h), and typed reading of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/proto_text.h"

namespace slipway::caffe {

using proto_text::Field;
using proto_text::Message;

// Errors (kInvalidModel) name the line. Nesting is bounded.
Result<Message> ParseText(std::string_view text);

// Typed reading of one message. The first bad value is kept in `error`; everything else reads on.
class Params {
 public:
  // `message` may be null: every field is absent.
  Params(const Message* message, Status& error) : message_(message), error_(error) {}

  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  int64_t Int(std::string_view name, int64_t otherwise) const;
  float Float(std::string_view name, float otherwise) const;
  bool Bool(std::string_view name, bool otherwise) const;
  // Position among `names`; a number stands for itself.
  size_t Enum(std::string_view name, const std::vector<std::string_view>& names, size_t otherwise) const;
  std::vector<int64_t> Ints(std::string_view name) const;
  std::vector<float> Floats(std::string_view name) const;
  Params Child(std::string_view name) const { return {message_ ? message_->Child(name) : nullptr, error_}; }

 private:
  const Field* Find(std::string_view name) const { return message_ ? message_->Find(name) : nullptr; }
  int64_t ToInt(const Field& field) const;
  float ToFloat(const Field& field) const;
  void Fail(const Field& field, std::string_view wanted) const;

  const Message* message_;
  Status& error_;
};

}  // namespace slipway::caffe
