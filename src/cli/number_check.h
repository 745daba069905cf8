// Numbers that a flag takes.
#pragma once

#include <CLI/CLI.hpp>

namespace slipway::cli {

// low <= number <= high, which may be infinite. Unlike CLI::Range it takes no NaN, which no loop ends at.
CLI::Validator NumberWithin(double low, double high);
CLI::Validator NumberFrom(double low);

}  // namespace slipway::cli
