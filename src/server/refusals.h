// What the server answers where no endpoint does.
#pragma once

#include <string>

#include "server/http/message.h"
#include "slipway/status.h"

namespace slipway::server {

// Said by gRPC, too.
inline constexpr char kNeedsKey[] = "a key is needed: 'Authorization: Bearer KEY' or 'X-API-Key: KEY'";
inline constexpr char kNotGivenOut[] = "this server does not give out that model";

Response NotFound();
// allowed: the methods that the path takes, "GET, HEAD".
Response NotAllowed(const std::string& allowed);
Response NoKey();
// The request is of a page of another server.
Response ForeignPage(const Request& request);
// The request calls the server by a name that it is not given (Access::IsKnownHost).
Response UnknownHost(const Request& request);
// The body has a coding that is not undone (CheckCodings).
Response UnknownCoding(const Status& status);
// A plain request where a WebSocket is opened.
Response NoWebSocket(const Request& request);
Response NotGivenOut();

}  // namespace slipway::server
