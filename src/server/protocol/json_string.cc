#include "server/protocol/json_string.h"

#include <charconv>
#include <cstdint>
#include <optional>

namespace slipway::server {
namespace {

// The four hexadecimal digits of "\uXXXX" at `text`.
std::optional<uint32_t> ReadUnit(std::string_view text) {
  constexpr size_t kSize = 6;
  if (text.size() < kSize || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  uint32_t unit = 0;
  const char* end = text.data() + kSize;
  if (std::from_chars(text.data() + 2, end, unit, 16).ptr != end) return std::nullopt;
  return unit;
}

void AppendCodePoint(uint32_t code, std::string& out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

// "\uXXXX", or two of them for what lies beyond U+FFFF. The length; 0: broken.
size_t ReadCodePoint(std::string_view text, std::string& value) {
  const auto first = ReadUnit(text);
  if (!first) return 0;
  if (*first < 0xD800 || *first > 0xDFFF) {
    AppendCodePoint(*first, value);
    return 6;
  }
  const auto second = ReadUnit(text.substr(6));
  if (*first > 0xDBFF || !second || *second < 0xDC00 || *second > 0xDFFF) return 0;
  AppendCodePoint(0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00), value);
  return 12;
}

// What starts with a backslash. The length; 0: broken.
size_t ReadEscape(std::string_view text, std::string& value) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (text.size() < 2) return 0;
  if (text[1] == 'u') return ReadCodePoint(text, value);
  const size_t i = kNames.find(text[1]);
  if (i == std::string_view::npos) return 0;
  value += kMeanings[i];
  return 2;
}

}  // namespace

size_t ReadJsonString(std::string_view text, std::string& value) {
  value.clear();
  if (text.empty() || text[0] != '"') return 0;
  size_t at = 1;
  for (;;) {
    size_t end = at;
    while (end < text.size() && text[end] != '"' && text[end] != '\\') ++end;
    value.append(text, at, end - at);
    if (end == text.size()) return 0;
    if (text[end] == '"') return end + 1;
    const size_t size = ReadEscape(text.substr(end), value);
    if (size == 0) return 0;
    at = end + size;
  }
}

}  // namespace slipway::server
