// The photo in a request's body: the body itself, or the file of a form with its other fields.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/http/message.h"
#include "server/http/url.h"

namespace slipway::server {

struct Upload {
  Body body;                       // keeps the bytes
  std::span<const uint8_t> bytes;  // of the image
  std::string name;                // of the file, as the client calls it
};

bool IsForm(std::string_view content_type);

// Fields of a form that are parameters (IsPhotoParameter) are added to `query`; those that are empty, as a
// browser sends what nobody has filled in, count as absent. An error: there is no photo or are several, a
// field is no parameter, or is in the query already. max_bytes: of the body.
Result<Upload> TakeUpload(std::string_view content_type, Body body, size_t max_bytes, Query& query);

}  // namespace slipway::server
