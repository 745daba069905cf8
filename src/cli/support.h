// The support report: does a model convert, and if not, everything that stands in the way at once.
#pragma once

#include <nlohmann/json.hpp>

#include "cli/model_flags.h"
#include "formats/support.h"

namespace slipway::cli {

// Prints the report of `flags.model` and of the models in `more` (files or folders): for one model every
// unsupported node, for several a row each and the operators that they lack. `is_json`: all of it as one
// object (docs/cli.md). Error: some model does not convert; the code is the first one's.
Status ReportSupport(const ModelFlags& flags, const std::vector<std::string>& more, bool is_json);

// What the report says of one node (docs/cli.md).
nlohmann::ordered_json ToJson(const UnsupportedNode& node);

}  // namespace slipway::cli
