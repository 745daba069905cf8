#include "server/http/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "server/http/header_value.h"

namespace slipway::server {
namespace {

constexpr size_t kMaxParameters = 64;  // names are compared pairwise

Status Bad(std::string message, std::string hint = {}) {
  return Status(Code::kUsage, std::move(message), std::move(hint));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Where the piece that starts at `from` ends: at the separator or at the end of the text.
size_t EndOfPiece(std::string_view text, char separator, size_t from) {
  return std::min(text.find(separator, from), text.size());
}

Result<std::string> DecodeSegment(std::string_view encoded) {
  SLIPWAY_ASSIGN_OR_RETURN(std::string segment, PercentDecode(encoded));
  if (segment.empty()) return Bad("the path has an empty segment", "write one slash between segments");
  if (segment == "." || segment == "..") return Bad("the path has the segment '" + segment + "'");
  return segment;
}

Result<std::string> DecodeFormText(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return PercentDecode(spaced);
}

// T: double or int64_t; `kind` is what T is called in a message.
template <class T>
Result<std::optional<T>> ParseParameter(const Query& query, std::string_view name, std::string_view kind,
                                        T low, T high) {
  const std::optional<std::string_view> text = query.Text(name);
  if (!text) return std::optional<T>();
  T value{};
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  // NaN is in no range.
  if (error == std::errc() && stop == end && value >= low && value <= high) return std::optional<T>(value);
  return Bad(fmt::format("query parameter {} is {}, not {} from {} to {}", Shown(name), Shown(*text), kind,
                         low, high));
}

}  // namespace

Result<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return Bad("no two hex digits behind the percent sign in " + Shown(text.substr(i, 3)),
                 "write a percent sign as %25");
    }
    decoded += static_cast<char>(high << 4 | low);
    i += 2;
  }
  if (decoded.find('\0') != std::string::npos) return Bad("a NUL byte in " + Shown(text));
  if (!IsUtf8(decoded)) return Bad(Shown(text) + " is not UTF-8", "percent-encode the text's bytes in UTF-8");
  return decoded;
}

Result<std::vector<std::string>> SplitPath(std::string_view path) {
  if (!path.starts_with('/')) return Bad("path " + Shown(path) + " does not start with a slash");
  std::vector<std::string> segments;
  for (size_t from = 1; from < path.size();) {
    const size_t end = EndOfPiece(path, '/', from);
    SLIPWAY_ASSIGN_OR_RETURN(std::string segment, DecodeSegment(path.substr(from, end - from)));
    segments.push_back(std::move(segment));
    from = end + 1;
  }
  return segments;
}

Result<Query> Query::Parse(std::string_view query) {
  Query result;
  for (size_t from = 0; from < query.size();) {
    const size_t end = EndOfPiece(query, '&', from);
    const std::string_view piece = query.substr(from, end - from);
    from = end + 1;
    if (piece.empty()) continue;
    const size_t equals = EndOfPiece(piece, '=', 0);
    SLIPWAY_ASSIGN_OR_RETURN(std::string name, DecodeFormText(piece.substr(0, equals)));
    SLIPWAY_ASSIGN_OR_RETURN(std::string value,
                             DecodeFormText(piece.substr(std::min(equals + 1, piece.size()))));
    if (name.empty()) return Bad("query parameter " + Shown(piece) + " has no name");
    SLIPWAY_RETURN_IF_ERROR(result.Add(std::move(name), std::move(value)));
  }
  return result;
}

Status Query::Add(std::string name, std::string value) {
  if (Text(name)) return Bad("query parameter " + Shown(name) + " is given twice");
  if (parameters_.size() == kMaxParameters)
    return Bad(fmt::format("the query has more than {} parameters", kMaxParameters));
  parameters_.emplace_back(std::move(name), std::move(value));
  return Status::Ok();
}

std::optional<std::string_view> Query::Text(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Result<std::optional<double>> Query::Number(std::string_view name, double low, double high) const {
  return ParseParameter(*this, name, "a number", low, high);
}

Result<std::optional<int64_t>> Query::Integer(std::string_view name, int64_t low, int64_t high) const {
  return ParseParameter(*this, name, "a whole number", low, high);
}

Result<std::optional<std::string_view>> Query::Choice(std::string_view name,
                                                      std::span<const std::string_view> choices) const {
  const std::optional<std::string_view> text = Text(name);
  if (!text || std::ranges::find(choices, *text) != choices.end()) return text;
  return Bad(fmt::format("query parameter {} is {}, not one of {}", Shown(name), Shown(*text),
                         fmt::join(choices, ", ")));
}

std::vector<std::string_view> Query::Unknown(std::span<const std::string_view> known) const {
  std::vector<std::string_view> unknown;
  for (const auto& [name, value] : parameters_) {
    if (std::ranges::find(known, name) == known.end()) unknown.push_back(name);
  }
  return unknown;
}

Status Query::CheckNames(std::span<const std::string_view> known) const {
  const std::vector<std::string_view> unknown = Unknown(known);
  if (unknown.empty()) return Status::Ok();
  std::string hint =
      known.empty() ? "there are none here" : fmt::format("known here: {}", fmt::join(known, ", "));
  return Bad("query parameter " + Shown(unknown[0]) + " is unknown", std::move(hint));
}

}  // namespace slipway::server
