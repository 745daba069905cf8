#include "server/http/trace_context.h"

#include <algorithm>

namespace slipway::server {
namespace {

constexpr std::string_view kName = "traceparent";
constexpr size_t kSize = 55;  // "00-", 32 digits, "-", 16, "-", 2

// Lower case alone, as the specification wants it.
bool IsHex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsId(std::string_view text) { return IsHex(text) && text.find_first_not_of('0') != text.npos; }

}  // namespace

std::optional<TraceParent> ParseTraceParent(std::string_view text) {
  if (text.size() < kSize || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const std::string_view version = text.substr(0, 2);
  if (!IsHex(version) || version == "ff" || !IsHex(text.substr(53, 2))) return std::nullopt;
  if (text.size() > kSize && (version == "00" || text[kSize] != '-')) return std::nullopt;
  const TraceParent parent{text.substr(3, 32), text.substr(36, 16)};
  if (!IsId(parent.trace_id) || !IsId(parent.parent_id)) return std::nullopt;
  return parent;
}

TraceContext TraceContextOf(const Headers& headers, std::string span_id) {
  if (headers.Count(kName) != 1) return {};
  const auto parent = ParseTraceParent(headers.Get(kName));
  if (!parent) return {};
  return {std::string(parent->trace_id), std::move(span_id), std::string(parent->parent_id)};
}

}  // namespace slipway::server
