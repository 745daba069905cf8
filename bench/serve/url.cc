#include "serve/url.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace slipway::serve {
namespace {

constexpr std::string_view kScheme = "http://";

Status Wrong(std::string_view text, const std::string& why) {
  return Status(Code::kUsage, "url '" + std::string(text) + "': " + why, "write http://HOST:PORT/PATH");
}

// A blank or control character would end the request line early.
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

// Where the host ends: behind the bracket of "[::1]", or at the colon; npos for a bracket that is never
// closed.
size_t HostEnd(std::string_view authority) {
  if (!authority.starts_with('[')) return std::min(authority.find(':'), authority.size());
  const size_t bracket = authority.find(']');
  return bracket == std::string_view::npos ? bracket : bracket + 1;
}

}  // namespace

Result<Url> ParseUrl(std::string_view text) {
  if (!IsPlain(text)) return Wrong(text, "holds a blank, a control character or a letter beyond ASCII");
  if (!text.starts_with(kScheme)) return Wrong(text, "does not begin with 'http://'");
  const std::string_view rest = text.substr(kScheme.size(), text.find('#') - kScheme.size());
  const size_t target = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, target);
  if (authority.find('@') != std::string_view::npos) return Wrong(text, "names a user; none is sent");

  const size_t end = HostEnd(authority);
  if (end == std::string_view::npos) return Wrong(text, "'[' is never closed");
  std::string_view host = authority.substr(0, end);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return Wrong(text, "names no host");

  Url url{.host = std::string(host),
          .target = std::string(rest.substr(target)),
          .authority = std::string(authority)};
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (end == authority.size()) return url;
  const auto port = authority[end] == ':' ? ParsePort(authority.substr(end + 1)) : std::nullopt;
  if (!port) return Wrong(text, "port '" + std::string(authority.substr(end)) + "' is not of 1 to 65535");
  url.port = *port;
  return url;
}

}  // namespace slipway::serve
