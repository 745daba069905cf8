// Content codings of bodies: gzip and deflate, both ways (RFC 9110, section 8.4).
//
// "deflate" is read as the RFC has it (with zlib's header) and as some clients send it (without), and written
// with. Left out on purpose: compress, br and zstd.
#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"
#include "slipway/status.h"

namespace slipway::server {

enum class Coding { kIdentity, kGzip, kDeflate };
// As in Content-Encoding: "identity", "gzip", "deflate".
std::string_view CodingName(Coding coding);

// kUnsupported (HTTP's 415): a coding in the list of a Content-Encoding is unknown, or there are more than 4.
Status CheckCodings(std::string_view content_encoding);

// Undoes the codings that a Content-Encoding lists, at most 4; a body that has none is shared, not copied.
// kUnsupported: as CheckCodings. kInvalidInput: data that is broken, ends early or is followed
// by something else, or more than max_bytes of it after any of the codings: no more than that is ever
// inflated.
Result<Body> Decode(std::string_view content_encoding, const Body& body, size_t max_bytes);

// Fails only where there is no memory: the text can then go as it is.
Result<std::string> Encode(Coding coding, std::string_view text);

// What the client prefers; of equals gzip, then deflate. kIdentity where the header is empty or takes
// neither.
Coding Negotiate(std::string_view accept_encoding);

}  // namespace slipway::server
