// Errors as the Open Inference Protocol answers them: a status that is not 200, and {"error": "<text>"}.
#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"
#include "slipway/status.h"

namespace slipway::server {

// As Triton maps its own codes: 400 for what the client can mend, 404, 501, 500.
int HttpStatusOf(Code code);
// What a client is told of an error: its message and its hint.
std::string ErrorText(const Status& status);
// REQUIRES: the status is an error.
Response ErrorResponse(const Status& status);
// For what is no Status: 503 when there is too much to do, 405, 413.
Response ErrorResponse(int http_status, std::string_view message);

// A client's text in a message: in quotes, cut where it is long.
std::string Quoted(std::string_view text);

}  // namespace slipway::server
