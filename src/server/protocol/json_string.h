// A string of JSON, read where it lies.
#pragma once

#include <string>
#include <string_view>

namespace slipway::server {

// Reads the string that starts `text`, quotes included, and returns its length there; 0: there is none, it
// does not end, or an escape in it is none of JSON's (half a surrogate pair is none). Bytes of no escape are
// kept as they are.
size_t ReadJsonString(std::string_view text, std::string& value);

}  // namespace slipway::server
