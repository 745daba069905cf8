// From the parser's view of a request's headers to ours. Private to the transport.
#pragma once

#include <boost/beast/http.hpp>
#include <optional>
#include <string>

#include "server/http/message.h"

namespace slipway::server {

using RequestParser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

// A request that is not answered by what it asks for.
struct HeadFault {
  int status = 400;
  std::string message;
};

// What the parser lets pass and RFC 9112 does not: no Host or two, lengths that two readers may understand in
// two ways (so that a request could hide in another's body), encodings that nobody undoes. REQUIRES: the
// header is done.
std::optional<HeadFault> FaultOf(const RequestParser& parser);

// All but the body, the peer and whether the client has left; of a header that is not done, what of it is
// there.
Request RequestFrom(const RequestParser& parser);

}  // namespace slipway::server
