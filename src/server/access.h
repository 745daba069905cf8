// Who may ask for what: keys, models, origins of pages, names of hosts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/message.h"

namespace slipway::server {

struct AccessOptions {
  // REQUIRES: none is empty. A request must bring one, as "Authorization: Bearer KEY" or "X-API-Key: KEY";
  // empty: anybody may ask. Scripts of a page cannot add headers to a WebSocket: there a subprotocol
  // "slipway.key.KEY" may hold the key, in base64url without padding. Health is told to everybody.
  std::vector<std::string> keys;
  // Models that may be asked for; empty: all.
  std::vector<std::string> models;
  // Of pages elsewhere whose scripts may read answers; "*": all; empty: none.
  std::string cors_origin;
  // What the server may be called in the Host of a request, beside localhost and IP addresses; nullopt:
  // anything. A page elsewhere can turn its own name to this machine's loopback (DNS rebinding): the browser
  // then takes the server for that page's own, and only the name tells the two apart.
  std::optional<std::vector<std::string>> hosts;
};

// Of the server as a whole: answered without a key.
bool IsHealth(std::string_view path);

class Access {
 public:
  explicit Access(AccessOptions options);

  // In a time that does not tell how much of a key was right.
  bool HasKey(const Request& request) const;
  bool MayUse(const std::string& model) const;
  // A request without a Host is of no browser.
  bool IsKnownHost(const Request& request) const;
  // False where a browser says that the request is of a page that is neither the server's own nor allowed.
  // Browsers send such requests, forms and WebSockets among them, without asking for leave; CORS hides only
  // the answers.
  bool IsOfAllowedPage(const Request& request) const;
  // Adds what a page's script needs to read the answer.
  void AddCors(const Request& request, Response& response) const;
  // Whether the request asks for leave to ask (CORS preflight), and pages may.
  bool IsPreflight(const Request& request) const;

 private:
  bool IsAllowedOrigin(std::string_view origin) const;
  bool HasKeyProtocol(const Request& request) const;

  const AccessOptions options_;
  std::vector<std::string> key_protocols_;  // the keys as subprotocols
};

}  // namespace slipway::server
