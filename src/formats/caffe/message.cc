#include "formats/caffe/message.h"

#include <charconv>
#include <limits>

namespace slipway::caffe {

Result<Message> ParseText(std::string_view text) {
  return proto_text::ParseText(text, "a Caffe network description");
}

void Params::Fail(const Field& field, std::string_view wanted) const {
  if (!error_.ok()) return;
  error_ = Status(Code::kInvalidModel, "line " + std::to_string(field.line) + ": " + field.name + " is '" +
                                           (field.is_message ? "{...}" : field.text.substr(0, 40)) +
                                           "'; it must be " + std::string(wanted));
}

int64_t Params::ToInt(const Field& field) const {
  std::string_view digits = field.text;
  const bool is_negative = digits.starts_with("-");
  if (is_negative) digits.remove_prefix(1);
  const bool is_hex = digits.starts_with("0x") || digits.starts_with("0X");
  if (is_hex) digits.remove_prefix(2);
  int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value, is_hex ? 16 : 10);
  // Sizes beyond 32 bits are no sizes; the bound keeps arithmetic on them within int64.
  const bool is_good = !field.is_message && parsed.ec == std::errc() && parsed.ptr == end && value >= 0 &&
                       value <= std::numeric_limits<uint32_t>::max();
  if (!is_good) Fail(field, "a whole number of at most 32 bits");
  if (!is_good) return 0;
  return is_negative ? -value : value;
}

float Params::ToFloat(const Field& field) const {
  std::string_view text = field.text;
  if (text.ends_with("f") && !text.ends_with("inf")) text.remove_suffix(1);
  double value = 0;  // a float's text may lie below its smallest number
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  const bool is_good = parsed.ec == std::errc() && parsed.ptr == end;
  if (!field.is_message && is_good) return static_cast<float>(value);
  Fail(field, "a number");
  return 0;
}

int64_t Params::Int(std::string_view name, int64_t otherwise) const {
  const Field* field = Find(name);
  return field == nullptr ? otherwise : ToInt(*field);
}

float Params::Float(std::string_view name, float otherwise) const {
  const Field* field = Find(name);
  return field == nullptr ? otherwise : ToFloat(*field);
}

bool Params::Bool(std::string_view name, bool otherwise) const {
  const Field* field = Find(name);
  if (field == nullptr) return otherwise;
  for (std::string_view yes : {"true", "True", "t", "1"}) {
    if (field->text == yes) return true;
  }
  for (std::string_view no : {"false", "False", "f", "0"}) {
    if (field->text == no) return false;
  }
  Fail(*field, "true or false");
  return otherwise;
}

size_t Params::Enum(std::string_view name, const std::vector<std::string_view>& names,
                    size_t otherwise) const {
  const Field* field = Find(name);
  if (field == nullptr) return otherwise;
  std::string known;
  for (size_t i = 0; i < names.size(); ++i) {
    if (field->text == names[i] || field->text == std::to_string(i)) return i;
    known += (i ? ", " : "") + std::string(names[i]);
  }
  Fail(*field, "one of " + known);
  return otherwise;
}

std::vector<int64_t> Params::Ints(std::string_view name) const {
  std::vector<int64_t> values;
  if (message_ == nullptr) return values;
  for (const Field* field : message_->All(name)) values.push_back(ToInt(*field));
  return values;
}

std::vector<float> Params::Floats(std::string_view name) const {
  std::vector<float> values;
  if (message_ == nullptr) return values;
  for (const Field* field : message_->All(name)) values.push_back(ToFloat(*field));
  return values;
}

}  // namespace slipway::caffe
