#include "ops/text/utf8.h"

#include <cstdint>

namespace slipway {
namespace {

// How many bytes follow the first one; -1 where none may begin with it.
int Followers(uint8_t first) {
  if (first < 0x80) return 0;
  if (first >= 0xC2 && first < 0xE0) return 1;
  if (first >= 0xE0 && first < 0xF0) return 2;
  if (first >= 0xF0 && first < 0xF5) return 3;
  return -1;
}

}  // namespace

std::optional<std::u32string> DecodeUtf8(std::string_view text) {
  constexpr char32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};  // of each length
  std::u32string codes;
  codes.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const auto first = static_cast<uint8_t>(text[at]);
    const int followers = Followers(first);
    if (followers < 0 || text.size() - at <= static_cast<size_t>(followers)) return std::nullopt;
    char32_t code = followers == 0 ? first : first & (0x3F >> followers);
    for (int k = 1; k <= followers; ++k) {
      const auto byte = static_cast<uint8_t>(text[at + static_cast<size_t>(k)]);
      if ((byte & 0xC0) != 0x80) return std::nullopt;
      code = code << 6 | (byte & 0x3F);
    }
    const bool is_surrogate = code >= 0xD800 && code < 0xE000;
    if (code < kSmallest[followers] || is_surrogate || code > 0x10FFFF) return std::nullopt;
    codes.push_back(code);
    at += static_cast<size_t>(followers) + 1;
  }
  return codes;
}

void AppendUtf8(char32_t code, std::string& text) {
  const auto add = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3F));
  } else {
    add(0xF0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3F));
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
}

std::string EncodeUtf8(std::u32string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (const char32_t code : text) AppendUtf8(code, bytes);
  return bytes;
}

}  // namespace slipway
