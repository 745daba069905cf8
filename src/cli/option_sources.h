// A command's options from elsewhere than the command line: a TOML file. (Those from the environment are
// CLI11's; here is what it lets pass.)
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "slipway/status.h"

namespace slipway::cli {

// Gives options that have no value yet those of a TOML file (1.0), whose keys are their names without dashes;
// checks them as it would on the command line, and that a number is a number. Errors name the file, the line
// and the key. Left out on purpose: tables, since options have one level. REQUIRES: the command is parsed.
Status ReadOptionsFrom(const std::string& path, CLI::App& command);

// Refuses variables of the environment that begin with `prefix` and that no option knows, or that are empty:
// each would be a setting that silently does not hold.
Status CheckEnvironment(const std::string& prefix, const CLI::App& command);

}  // namespace slipway::cli
