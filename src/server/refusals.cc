#include "server/refusals.h"

#include "server/http/header_value.h"
#include "server/protocol/error.h"

namespace slipway::server {

Response NotFound() { return ErrorResponse(404, "Not Found"); }

Response NoKey() {
  Response response = ErrorResponse(401, kNeedsKey);
  response.headers.Add("WWW-Authenticate", "Bearer");
  return response;
}

Response ForeignPage(const Request& request) {
  return ErrorResponse(403, "pages of " + Shown(request.headers.Get("Origin")) +
                                " may not ask (start the server with --cors)");
}

Response UnknownHost(const Request& request) {
  return ErrorResponse(421, "this server is not known as " + Shown(request.headers.Get("Host")) +
                                ": a page elsewhere may have turned that name to this machine (start the "
                                "server with --host and the name, if it is the server's)");
}

Response NotAllowed(const std::string& allowed) {
  Response response = ErrorResponse(405, "Method Not Allowed; this path takes " + allowed);
  response.headers.Add("Allow", allowed);
  return response;
}

Response UnknownCoding(const Status& status) {
  Response response = ErrorResponse(415, ErrorText(status));
  response.headers.Add("Accept-Encoding", "gzip, deflate");  // RFC 9110, section 15.5.16
  return response;
}

Response NoWebSocket(const Request& request) {
  if (request.method != "GET") return NotAllowed("GET");
  Response response = ErrorResponse(426, "frames go over a WebSocket (RFC 6455); this is a plain request");
  response.headers.Add("Connection", "Upgrade");
  response.headers.Add("Upgrade", "websocket");
  return response;
}

Response NotGivenOut() { return ErrorResponse(403, kNotGivenOut); }

}  // namespace slipway::server
