#include "server/access.h"

#include <arpa/inet.h>

#include <algorithm>

#include "server/http/header_value.h"

namespace slipway::server {
namespace {

bool IsSame(std::string_view given, std::string_view key) {
  if (given.size() != key.size() || key.empty()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < key.size(); ++i) difference |= static_cast<unsigned char>(given[i] ^ key[i]);
  return difference == 0;
}

// RFC 4648, section 5, without padding: every character of it may stand in a token of HTTP.
std::string Base64Url(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) text += kDigits[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kDigits[bits << (6 - count) & 63];
  return text;
}

// What stands behind the scheme, which has no case (RFC 9110, section 11.1); empty: it is another.
std::string_view BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!IsSameIgnoringCase(authorization.substr(0, kScheme.size()), kScheme)) return {};
  return Trimmed(authorization.substr(kScheme.size()));
}

// Of a Host field, without its port.
std::string_view NameIn(std::string_view host) {
  const size_t bracket = host.find(']');
  return host.substr(0, host.find(':', bracket == std::string_view::npos ? 0 : bracket));
}

bool IsAddress(std::string_view name) {
  in6_addr address{};
  if (name.starts_with('[') && name.ends_with(']'))
    return inet_pton(AF_INET6, std::string(name.substr(1, name.size() - 2)).c_str(), &address) == 1;
  return inet_pton(AF_INET, std::string(name).c_str(), &address) == 1;
}

bool IsSafe(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

bool IsWebSocket(const Request& request) {
  return IsSameIgnoringCase(request.headers.Get("Upgrade"), "websocket");
}

}  // namespace

bool IsHealth(std::string_view path) { return path.starts_with("/v2/health/") || path == "/ping"; }

Access::Access(AccessOptions options) : options_(std::move(options)) {
  for (const std::string& key : options_.keys) key_protocols_.push_back("slipway.key." + Base64Url(key));
}

bool Access::HasKey(const Request& request) const {
  if (options_.keys.empty()) return true;
  std::string_view given = request.headers.Get("X-API-Key");
  const std::string_view authorization = request.headers.Get("Authorization");
  if (const std::string_view token = BearerToken(authorization); !token.empty()) given = token;
  bool is_known = false;
  for (const std::string& key : options_.keys) is_known |= IsSame(given, key);
  return is_known || HasKeyProtocol(request);
}

bool Access::HasKeyProtocol(const Request& request) const {
  if (!IsWebSocket(request)) return false;
  bool is_known = false;
  for (const std::string_view protocol : SplitUnquoted(request.headers.Get("Sec-WebSocket-Protocol"), ','))
    for (const std::string& wanted : key_protocols_) is_known |= IsSame(protocol, wanted);
  return is_known;
}

bool Access::IsOfAllowedPage(const Request& request) const {
  // A link elsewhere may lead to the page, and CORS hides other answers.
  if (IsSafe(request.method) && !IsWebSocket(request)) return true;
  const std::string_view origin = request.headers.Get("Origin");
  if (IsAllowedOrigin(origin)) return true;
  // The browser's own judgement holds behind a proxy that changes Host, too; old ones give none.
  const std::string_view site = request.headers.Get("Sec-Fetch-Site");
  if (!site.empty()) return site == "same-origin" || site == "none";
  if (origin.empty()) return true;  // no browser
  const size_t scheme = origin.find("://");
  return scheme != std::string_view::npos &&
         IsSameIgnoringCase(origin.substr(scheme + 3), request.headers.Get("Host"));
}

bool Access::MayUse(const std::string& model) const {
  return options_.models.empty() || model.empty() ||
         std::ranges::find(options_.models, model) != options_.models.end();
}

bool Access::IsKnownHost(const Request& request) const {
  const std::string_view name = NameIn(request.headers.Get("Host"));
  if (!options_.hosts || name.empty() || IsAddress(name) || IsSameIgnoringCase(name, "localhost"))
    return true;
  return std::ranges::any_of(*options_.hosts,
                             [&](const std::string& host) { return IsSameIgnoringCase(host, name); });
}

bool Access::IsAllowedOrigin(std::string_view origin) const {
  return !origin.empty() && (options_.cors_origin == "*" || options_.cors_origin == origin);
}

void Access::AddCors(const Request& request, Response& response) const {
  const std::string_view origin = request.headers.Get("Origin");
  if (!IsAllowedOrigin(origin)) return;
  response.headers.Add("Access-Control-Allow-Origin", options_.cors_origin);
  response.headers.Add("Vary", "Origin");
  response.headers.Add("Access-Control-Expose-Headers", "Inference-Header-Content-Length, X-Request-ID");
  if (request.method != "OPTIONS") return;
  response.headers.Add("Access-Control-Allow-Methods", "GET, HEAD, POST");
  response.headers.Add("Access-Control-Allow-Headers",
                       "Authorization, Content-Type, Content-Encoding, Inference-Header-Content-Length, "
                       "X-API-Key, X-Request-ID, traceparent, tracestate");
  response.headers.Add("Access-Control-Max-Age", "600");
}

bool Access::IsPreflight(const Request& request) const {
  return request.method == "OPTIONS" && request.headers.Has("Access-Control-Request-Method") &&
         IsAllowedOrigin(request.headers.Get("Origin"));
}

}  // namespace slipway::server
