// Chooses the media type of an answer by the request's Accept header (RFC 9110, section 12.5.1).
//
// Left out on purpose: parameters of types (charset, version), which no two offers differ in.
#pragma once

#include <span>
#include <string_view>

namespace slipway::server {

// The offer ("image/png") that the client prefers, of equals the first. The first offer where the header is
// empty or has no element that can be read; empty where the client accepts none of them.
std::string_view Negotiate(std::string_view accept, std::span<const std::string_view> offers);

}  // namespace slipway::server
