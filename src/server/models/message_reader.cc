#include "server/models/message_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/nearest.h"
#include "ops/text/utf8.h"

namespace slipway::server {
namespace {

using pbtxt::Field;
using pbtxt::Kind;
using pbtxt::Message;

bool Contains(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// A short form of an offending value.
std::string Shown(const Field& field) {
  switch (field.kind) {
    case Kind::kMessage: return "a message";
    case Kind::kEmptyList: return "an empty list";
    case Kind::kString:
    case Kind::kJsonText: return "\"" + field.text.substr(0, 40) + (field.text.size() > 40 ? "...\"" : "\"");
    case Kind::kWord:
    case Kind::kNumber: return field.text.substr(0, 40);
  }
  return "";
}

// nullopt: not a whole number, or none that 64 bits hold.
std::optional<int64_t> ToInteger(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  if (!pbtxt::IsNumber(text)) return std::nullopt;
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  const std::string digits = (is_negative ? "-" : "") + std::string(text);
  int64_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<bool> ToBool(const Field& field) {
  if (field.kind != Kind::kWord && field.kind != Kind::kNumber) return std::nullopt;
  static constexpr std::string_view kTrue[] = {"true", "True", "t", "1"};
  static constexpr std::string_view kFalse[] = {"false", "False", "f", "0"};
  if (Contains(kTrue, field.text)) return true;
  if (Contains(kFalse, field.text)) return false;
  return std::nullopt;
}

// What protobuf has where nothing is said, spelled out.
bool IsDefault(const Field& field) {
  static constexpr std::string_view kWords[] = {"",  "0",           "false",           "False",
                                                "f", "FORMAT_NONE", "PRIORITY_DEFAULT"};
  if (field.kind == Kind::kEmptyList) return true;
  if (field.kind != Kind::kMessage) return Contains(kWords, field.text);
  return std::all_of(field.message.fields.begin(), field.message.fields.end(), IsDefault);
}

std::string RangeText(IntegerRange range) {
  if (range.high == INT64_MAX) return "at least " + std::to_string(range.low);
  return std::to_string(range.low) + " to " + std::to_string(range.high);
}

}  // namespace

std::string MessageReader::PathOf(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

std::string MessageReader::Where(const Field* field) const {
  std::string where(file_);
  if (field != nullptr && field->line > 0) {
    where += ":" + std::to_string(field->line) + ":" + std::to_string(field->column);
  }
  return where + ": ";
}

void MessageReader::Keep(Status status) {
  if (status_.ok()) status_ = std::move(status);
}

void MessageReader::Fail(const Field& field, const std::string& what) {
  Keep(Status(Code::kInvalidModel, Where(&field) + "'" + PathOf(field.name) + "' " + what));
}

void MessageReader::Fail(std::string_view name, const std::string& what) {
  const auto has_name = [&](const Field& field) { return field.name == name; };
  const auto found = std::find_if(message_.fields.begin(), message_.fields.end(), has_name);
  if (found != message_.fields.end()) return Fail(*found, what);
  Keep(Status(Code::kInvalidModel, Where(self_) + "'" + PathOf(name) + "' " + what));
}

void MessageReader::FailAsUnsupported(const Field& field) {
  Keep(Status(Code::kUnsupported, Where(&field) + "Slipway does not implement '" + PathOf(field.name) + "'",
              "remove '" + field.name + "' from the configuration"));
}

bool MessageReader::Has(std::string_view name) const {
  return std::any_of(message_.fields.begin(), message_.fields.end(),
                     [&](const Field& field) { return field.name == name; });
}

const Field* MessageReader::FindOnly(std::string_view name) {
  known_.push_back(name);
  const Field* found = nullptr;
  for (const Field& field : message_.fields) {
    if (field.name != name || field.kind == Kind::kEmptyList) continue;
    if (found != nullptr) {
      const std::string first = found->line > 0 ? " (line " + std::to_string(found->line) + ")" : "";
      Fail(field, "has a value already" + first + " and may have only one");
      return nullptr;
    }
    found = &field;
  }
  return found;
}

void MessageReader::Read(std::string_view name, std::string& value) {
  const Field* field = FindOnly(name);
  if (field == nullptr) return;
  if (field->kind != Kind::kString && field->kind != Kind::kJsonText) {
    return Fail(*field, "must be a string in quotes, not " + Shown(*field));
  }
  if (!DecodeUtf8(field->text)) return Fail(*field, "is not UTF-8");
  value = field->text;
}

void MessageReader::Read(std::string_view name, bool& value) {
  const Field* field = FindOnly(name);
  if (field == nullptr) return;
  const std::optional<bool> read = ToBool(*field);
  if (!read) return Fail(*field, "must be true or false, not " + Shown(*field));
  value = *read;
}

std::optional<int64_t> MessageReader::ReadInteger(const Field& field, IntegerRange range) {
  const bool is_number = field.kind == Kind::kNumber || field.kind == Kind::kJsonText;
  const std::optional<int64_t> value = is_number ? ToInteger(field.text) : std::nullopt;
  if (value && *value >= range.low && *value <= range.high) return value;
  Fail(field, "must be a whole number (" + RangeText(range) + "), not " + Shown(field));
  return std::nullopt;
}

void MessageReader::Read(std::string_view name, int64_t& value, IntegerRange range) {
  const Field* field = FindOnly(name);
  if (field != nullptr) value = ReadInteger(*field, range).value_or(value);
}

void MessageReader::Read(std::string_view name, std::optional<int64_t>& value, IntegerRange range) {
  const Field* field = FindOnly(name);
  if (field != nullptr) value = ReadInteger(*field, range);
}

void MessageReader::ReadList(std::string_view name, std::vector<int64_t>& values, IntegerRange range) {
  known_.push_back(name);
  for (const Field& field : message_.fields) {
    if (field.name != name || field.kind == Kind::kEmptyList) continue;
    const std::optional<int64_t> value = ReadInteger(field, range);
    if (!value) return;
    values.push_back(*value);
  }
}

std::optional<size_t> MessageReader::ReadWord(std::string_view name,
                                              std::span<const std::string_view> names) {
  const Field* field = FindOnly(name);
  if (field == nullptr) return std::nullopt;
  const bool is_word = field->kind == Kind::kWord || field->kind == Kind::kJsonText;
  const auto found = std::find(names.begin(), names.end(), field->text);
  if (is_word && found != names.end()) return static_cast<size_t>(found - names.begin());
  Fail(*field, fmt::format("must be one of {}, not {}{}", fmt::join(names, ", "), Shown(*field),
                           is_word ? DidYouMean(field->text, names) : ""));
  return std::nullopt;
}

void MessageReader::ReadMessage(const Field& field, const std::string& path,
                                FunctionRef<void(MessageReader&)> read) {
  if (field.kind != Kind::kMessage) return Fail(field, "must be a message in braces, not " + Shown(field));
  MessageReader reader(file_, field.message, path);
  reader.self_ = &field;
  read(reader);
  Keep(reader.Finish());
}

void MessageReader::ReadChild(std::string_view name, FunctionRef<void(MessageReader&)> read) {
  const Field* field = FindOnly(name);
  if (field != nullptr) ReadMessage(*field, PathOf(name), read);
}

void MessageReader::ReadEach(std::string_view name, FunctionRef<void(MessageReader&)> read) {
  known_.push_back(name);
  size_t index = 0;
  for (const Field& field : message_.fields) {
    if (field.name != name || field.kind == Kind::kEmptyList) continue;
    ReadMessage(field, PathOf(name) + "[" + std::to_string(index++) + "]", read);
    if (!status_.ok()) return;
  }
}

void MessageReader::RefuseUnlessDefault(std::initializer_list<std::string_view> names) {
  Ignore(names);
  for (const Field& field : message_.fields) {
    if (Contains({names.begin(), names.size()}, field.name) && !IsDefault(field)) {
      return FailAsUnsupported(field);
    }
  }
}

void MessageReader::Refuse(std::initializer_list<std::string_view> names) {
  Ignore(names);
  for (const Field& field : message_.fields) {
    if (Contains({names.begin(), names.size()}, field.name)) return FailAsUnsupported(field);
  }
}

void MessageReader::RefuseValue(std::string_view name, const std::string& why) {
  const Field* field = FindOnly(name);
  if (field == nullptr) return;
  Keep(
      Status(Code::kUnsupported,
             Where(field) + "Slipway does not implement '" + PathOf(name) + "' " + Shown(*field) + ": " + why,
             "leave '" + field->name + "' out if the model's file is one that Slipway converts"));
}

void MessageReader::Ignore(std::initializer_list<std::string_view> names) {
  ignored_.insert(ignored_.end(), names.begin(), names.end());
}

Status MessageReader::Finish() {
  for (const Field& field : message_.fields) {
    if (!status_.ok()) break;
    if (Contains(known_, field.name) || Contains(ignored_, field.name)) continue;
    Fail(field, "is no key of Triton's ModelConfig" + DidYouMean(field.name, known_));
  }
  return status_;
}

}  // namespace slipway::server
