// JSON of a model configuration as the tree that pbtxt.h has for text, so that one reader reads both.
#pragma once

#include <string_view>

#include "server/models/pbtxt.h"
#include "slipway/status.h"

namespace slipway::server {

// An object's members become fields, a list's items fields of one name each; null is as good as absent. The
// map "parameters" becomes messages of key and value, as in the text form. Limits are those of pbtxt.h.
// Errors (kInvalidModel) begin with source_name.
Result<pbtxt::Message> FieldsOfJson(std::string_view text, std::string_view source_name);

}  // namespace slipway::server
