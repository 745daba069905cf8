#include "server/http/message.h"

#include <algorithm>
#include <new>

#include "server/http/header_value.h"

namespace slipway::server {
namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

Body::Body(size_t size)
    : bytes_(new (kAlignment) uint8_t[size + kPadding],
             [](uint8_t* bytes) { ::operator delete[](bytes, kAlignment); }),
      size_(size) {
  std::memset(bytes_.get() + size, 0, kPadding);
}

std::string_view Headers::Get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (IsSameIgnoringCase(key, name)) return value;
  }
  return {};
}

Response Refusal(int status, std::string_view message) {
  Response response;
  response.status = status;
  response.body = "{\"error\":\"";
  for (char c : message) {
    if (c == '"' || c == '\\') response.body += '\\';
    // A message may quote what a client sent: what is no printable ASCII would need a closer look.
    response.body += c >= ' ' && c < 0x7F ? c : c == '\n' ? ' ' : '?';
  }
  response.body += "\"}";
  return response;
}

size_t Headers::Count(std::string_view name) const {
  return static_cast<size_t>(std::ranges::count_if(
      fields_, [&](const auto& field) { return IsSameIgnoringCase(field.first, name); }));
}

}  // namespace slipway::server
