// What a load brought to light, for people and for programs.
#pragma once

#include <string>

#include "serve/load.h"

namespace slipway::serve {

std::string ReportText(const LoadOptions& options, const LoadReport& report);

// One line of JSON; latencies in milliseconds.
std::string ReportJson(const LoadOptions& options, const LoadReport& report);

}  // namespace slipway::serve
