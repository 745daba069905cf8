// Writes JSON onto a string, token by token, without building a tree.
//
// The caller keeps the order of tokens right (a key before every member's value); commas are set here. NaN
// and infinities, for which JSON has no form, are written as NaN, Infinity and -Infinity: so do Triton and
// Python, whose readers take them. Left out: indentation.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::server {

class JsonWriter {
 public:
  // Appends to `out`, which outlives the writer.
  explicit JsonWriter(std::string& out) : out_(out) {}

  void BeginObject() { Begin('{'); }
  void EndObject() { End('}'); }
  void BeginArray() { Begin('['); }
  void EndArray() { End(']'); }
  void Key(std::string_view key);
  // A key and its text, truth or number.
  template <class T>
  void Member(std::string_view key, const T& value) {
    Key(key);
    if constexpr (std::convertible_to<const T&, std::string_view>)
      String(value);
    else if constexpr (std::same_as<T, bool>)
      Bool(value);
    else if constexpr (std::integral<T>)
      Integer(value);
    else
      Real(value);
  }

  // Bytes that are no UTF-8 become U+FFFD, one each.
  void String(std::string_view text);
  void Integer(std::signed_integral auto value) { Signed(value); }
  void Integer(std::unsigned_integral auto value) { Unsigned(value); }
  void Bool(bool value);
  // The shortest digits that read back as the same number.
  void Real(float value);
  void Real(double value);
  void Null();
  // JSON that is written already.
  void Raw(std::string_view json);

 private:
  void Begin(char bracket);
  void End(char bracket);
  void Signed(int64_t value);
  void Unsigned(uint64_t value);
  void Comma() {
    if (needs_comma_) out_ += ',';
    needs_comma_ = true;
  }

  std::string& out_;
  bool needs_comma_ = false;  // before the next key or value
};

// `text` in quotes, escaped as JsonWriter::String has it.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace slipway::server
