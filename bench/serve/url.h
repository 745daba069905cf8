// The address that a load goes to: http://HOST[:PORT][/PATH][?QUERY].
//
// Left out on purpose: https (TLS would be measured instead of the server), user names, internationalised
// hosts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "slipway/status.h"

namespace slipway::serve {

struct Url {
  std::string host;  // without the brackets of an IPv6 address
  uint16_t port = 80;
  std::string target;     // path and query as the request line has them
  std::string authority;  // as the Host header has it
};

Result<Url> ParseUrl(std::string_view text);

}  // namespace slipway::serve
