// libFuzzer entry: any bytes as a path and as a query; what is taken apart is the same once it is put
// together.
#include <cstddef>
#include <cstdint>

#include "server/http/header_value.h"
#include "server/http/url.h"

namespace {

using namespace slipway::server;  // NOLINT: the whole program

std::string Encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    encoded += {'%', kDigits[byte >> 4], kDigits[byte & 0xF]};
  }
  return encoded;
}

void CheckPath(std::string_view text) {
  const auto segments = SplitPath(text);
  if (!segments.ok()) return;
  std::string path = segments->empty() ? "/" : "";
  for (const std::string& segment : *segments) {
    if (segment.empty() || segment == ".." || !IsUtf8(segment)) __builtin_trap();
    path += "/" + Encoded(segment);
  }
  const auto again = SplitPath(path);
  if (!again.ok() || *again != *segments) __builtin_trap();
}

void CheckQuery(std::string_view text) {
  const auto query = Query::Parse(text);
  if (!query.ok()) return;
  std::string joined;
  for (const auto& [name, value] : query->parameters()) {
    joined += Encoded(name) + "=" + Encoded(value) + "&";
    const auto number = query->Number(name, -1, 1);
    if (number.ok() && !(**number >= -1 && **number <= 1)) __builtin_trap();
    const auto integer = query->Integer(name, -5, 5);
    if (integer.ok() && !(**integer >= -5 && **integer <= 5)) __builtin_trap();
  }
  const auto again = Query::Parse(joined);
  if (!again.ok() || again->parameters() != query->parameters()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckPath(text);
  CheckQuery(text);
  return 0;
}
