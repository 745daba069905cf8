// UTF-8 and code points.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway {

// nullopt: not UTF-8 (overlong forms, surrogates and what lies behind U+10FFFF included).
std::optional<std::u32string> DecodeUtf8(std::string_view text);
void AppendUtf8(char32_t code, std::string& text);
std::string EncodeUtf8(std::u32string_view text);

// Bytes of the character that begins with `first`, in valid UTF-8.
inline size_t Utf8Length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace slipway
