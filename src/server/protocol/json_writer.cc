#include "server/protocol/json_writer.h"

#include <charconv>
#include <cmath>

namespace slipway::server {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Any number of any type takes fewer characters.
constexpr size_t kMaxNumberSize = 32;

template <class T>
void AppendNumber(T value, std::string& out) {
  char text[kMaxNumberSize];
  out.append(text, std::to_chars(text, text + kMaxNumberSize, value).ptr);
}

template <class T>
void AppendReal(T value, std::string& out) {
  if (std::isfinite(value)) return AppendNumber(value, out);
  if (std::isnan(value)) {
    out += "NaN";
  } else {
    out += value > 0 ? "Infinity" : "-Infinity";
  }
}

// Bytes of the code point that starts `text`; 0: they are no UTF-8 (RFC 3629: none too long, no surrogates).
size_t CodePointSize(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < size) return 0;
  uint8_t low = 0x80;  // bounds of the second byte
  uint8_t high = 0xBF;
  if (first == 0xE0) low = 0xA0;
  if (first == 0xED) high = 0x9F;
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return size;
}

void AppendEscape(char c, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[c & 0xF];
  }
}

bool IsPlain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

}  // namespace

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  size_t i = 0;
  while (i < text.size()) {
    size_t end = i;
    while (end < text.size() && IsPlain(text[end])) ++end;
    out.append(text, i, end - i);
    i = end;
    if (i == text.size()) break;
    const size_t size = CodePointSize(text.substr(i));
    if (size == 0) {
      out += kReplacement;
    } else if (size > 1 || text[i] == 0x7F) {
      out.append(text, i, size);
    } else {
      AppendEscape(text[i], out);
    }
    i += size == 0 ? 1 : size;
  }
  out += '"';
}

void JsonWriter::Begin(char bracket) {
  Comma();
  out_ += bracket;
  needs_comma_ = false;
}

void JsonWriter::End(char bracket) {
  out_ += bracket;
  needs_comma_ = true;
}

void JsonWriter::Key(std::string_view key) {
  String(key);
  out_ += ':';
  needs_comma_ = false;
}

void JsonWriter::String(std::string_view text) {
  Comma();
  AppendJsonString(text, out_);
}

void JsonWriter::Signed(int64_t value) {
  Comma();
  AppendNumber(value, out_);
}

void JsonWriter::Unsigned(uint64_t value) {
  Comma();
  AppendNumber(value, out_);
}

void JsonWriter::Bool(bool value) { Raw(value ? "true" : "false"); }

void JsonWriter::Real(float value) {
  Comma();
  AppendReal(value, out_);
}

void JsonWriter::Real(double value) {
  Comma();
  AppendReal(value, out_);
}

void JsonWriter::Null() { Raw("null"); }

void JsonWriter::Raw(std::string_view json) {
  Comma();
  out_ += json;
}

}  // namespace slipway::server
