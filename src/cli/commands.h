// The subcommands: each file adds one to the application and says what running it does.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "slipway/status.h"

namespace slipway::cli {

// What a parsed subcommand will do. Returns the error that ends the program.
using Action = std::function<Status()>;

// Every subcommand, in the order of `slipway --help`. Each registers its flags and, when chosen, sets
// `action`.
using AddCommandFn = void (*)(CLI::App& app, Action& action);
void AddInspect(CLI::App& app, Action& action);
void AddConvert(CLI::App& app, Action& action);
void AddBuild(CLI::App& app, Action& action);
void AddRun(CLI::App& app, Action& action);
void AddBench(CLI::App& app, Action& action);
void AddProfile(CLI::App& app, Action& action);
void AddDetect(CLI::App& app, Action& action);
void AddClassify(CLI::App& app, Action& action);
void AddSegment(CLI::App& app, Action& action);
void AddServe(CLI::App& app, Action& action);
void AddDoctor(CLI::App& app, Action& action);
void AddExtract(CLI::App& app, Action& action);
void AddOps(CLI::App& app, Action& action);

}  // namespace slipway::cli
