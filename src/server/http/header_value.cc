#include "server/http/header_value.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <span>

namespace slipway::server {
namespace {

constexpr size_t kMaxParameters = 16;  // names are compared pairwise
constexpr size_t kMaxShownBytes = 60;

// Not std::tolower, which asks the locale.
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsEscape(std::string_view text, size_t at) {
  return text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\');
}

// The first `wanted` at or behind `from` that no quoted string holds; the text's size where there is none.
size_t FindUnquoted(std::string_view text, char wanted, size_t from) {
  bool is_quoted = false;
  for (size_t i = from; i < text.size(); ++i) {
    if (is_quoted && IsEscape(text, i)) {
      ++i;
    } else if (text[i] == '"') {
      is_quoted = !is_quoted;
    } else if (!is_quoted && text[i] == wanted) {
      return i;
    }
  }
  return text.size();
}

Result<std::string> Unquoted(std::string_view text) {
  if (!text.starts_with('"')) {
    if (text.find('"') != std::string_view::npos)
      return Status(Code::kInvalidInput, "a quote within " + Shown(text));
    return std::string(text);
  }
  std::string value;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (i + 1 == text.size()) return value;
      return Status(Code::kInvalidInput, "text behind the quoted string in " + Shown(text));
    }
    if (IsEscape(text, i)) ++i;
    value += text[i];
  }
  return Status(Code::kInvalidInput, "no quote at the end of " + Shown(text));
}

// "0.25"
std::optional<double> ParseWeight(std::string_view text) {
  double weight = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, weight, std::chars_format::fixed);
  const bool is_weight = error == std::errc() && stop == end && weight >= 0 && weight <= 1;
  return is_weight ? std::optional(weight) : std::nullopt;
}

std::optional<Preference> ParsePreference(std::string_view text) {
  const std::vector<std::string_view> pieces = SplitUnquoted(text, ';');
  if (pieces.empty()) return std::nullopt;
  for (const std::string_view piece : std::span(pieces).subspan(1)) {
    const size_t equals = piece.find('=');
    if (equals == std::string_view::npos || !IsSameIgnoringCase(Trimmed(piece.substr(0, equals)), "q"))
      continue;
    const std::optional<double> weight = ParseWeight(Trimmed(piece.substr(equals + 1)));
    if (!weight) return std::nullopt;
    return Preference{pieces[0], *weight};
  }
  return Preference{pieces[0]};
}

}  // namespace

bool IsSameIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Lower, Lower);
}

// Source: Unicode 15, table 3-7: neither overlong forms nor surrogates.
bool IsUtf8(std::string_view text) {
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(text[at]); };
  for (size_t i = 0; i < text.size();) {
    const uint8_t lead = byte(i++);
    if (lead < 0x80) continue;
    if (lead < 0xC2 || lead > 0xF4) return false;
    const size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (text.size() - i < more) return false;
    const uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte(i) < low || byte(i) > high) return false;
    for (size_t k = 1; k < more; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    }
    i += more;
  }
  return true;
}

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> SplitUnquoted(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (size_t from = 0; from < text.size();) {
    const size_t end = FindUnquoted(text, separator, from);
    const std::string_view piece = Trimmed(text.substr(from, end - from));
    if (!piece.empty()) pieces.push_back(piece);
    from = end + 1;
  }
  return pieces;
}

std::string Shown(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string shown = "'";
  for (const char c : text.substr(0, kMaxShownBytes)) {
    if (c >= ' ' && c <= '~') {
      shown += c;
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    shown += {'%', kDigits[byte >> 4], kDigits[byte & 0xF]};
  }
  return shown + (text.size() > kMaxShownBytes ? "...'" : "'");
}

const std::string* ParameterizedValue::Find(std::string_view name) const {
  for (const auto& [key, text] : parameters) {
    if (IsSameIgnoringCase(key, name)) return &text;
  }
  return nullptr;
}

Result<ParameterizedValue> ParseParameterizedValue(std::string_view text) {
  const std::vector<std::string_view> pieces = SplitUnquoted(text, ';');
  ParameterizedValue result;
  if (pieces.empty()) return result;
  if (pieces.size() > kMaxParameters + 1) {
    return Status(Code::kInvalidInput, "a header field has " + std::to_string(pieces.size() - 1) +
                                           " parameters, at most " + std::to_string(kMaxParameters) +
                                           " are read");
  }
  result.value = pieces[0];
  for (const std::string_view piece : std::span(pieces).subspan(1)) {
    const size_t equals = piece.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return Status(Code::kInvalidInput, "parameter " + Shown(piece) + " is not name=value");
    const std::string_view name = Trimmed(piece.substr(0, equals));
    if (result.Find(name)) return Status(Code::kInvalidInput, "parameter " + Shown(name) + " is given twice");
    SLIPWAY_ASSIGN_OR_RETURN(std::string value, Unquoted(Trimmed(piece.substr(equals + 1))));
    result.parameters.emplace_back(name, std::move(value));
  }
  return result;
}

std::vector<Preference> ParsePreferences(std::string_view field) {
  std::vector<Preference> preferences;
  for (const std::string_view element : SplitUnquoted(field, ',')) {
    if (const auto preference = ParsePreference(element)) preferences.push_back(*preference);
  }
  return preferences;
}

}  // namespace slipway::server
