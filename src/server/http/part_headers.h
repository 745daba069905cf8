// The headers of one part of a multipart/form-data body.
#pragma once

#include <string_view>

#include "server/http/header_value.h"
#include "server/http/multipart.h"

namespace slipway::server {

// headers: lines "Name: value\r\n" and an empty one. Gives the part without its bytes.
// An error: no Content-Disposition: form-data with a name, two of them, bytes that are not UTF-8, control
// characters, a Content-Transfer-Encoding that changes the bytes (kUnsupported).
Result<Part> ParsePartHeaders(std::string_view headers);

}  // namespace slipway::server
