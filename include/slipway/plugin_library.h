// Plugins for the program that runs networks: loading libraries, registering plugins of its own.
//
// A plugin must be there before a model that needs it is imported or loaded. It stays until the program ends:
// graphs and engines refer to it, and unloading code that is in use cannot be made safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipway/plugin.h"
#include "slipway/status.h"

namespace slipway {

// Loads a shared library and adds its plugins. Again does no harm. Errors name the library: it is not there
// or does not load, has no entry, speaks another version of the interface, or describes a plugin that cannot
// be.
Status LoadPluginLibrary(const std::string& path);

// Adds a plugin of the program itself; `origin` names it in messages.
Status RegisterPlugin(const slipway_plugin* table, std::string_view origin);
Status RegisterPlugin(std::unique_ptr<const Plugin> plugin, std::string_view origin = "this program");

struct PluginInfo {
  std::string name;
  int64_t version = 0;
  int64_t oldest_version = 0;
  std::string summary;
  std::string origin;  // the library's path, or what RegisterPlugin was told
};
// By name, then version.
std::vector<PluginInfo> LoadedPlugins();

// When a plugin's runs are checked. A checked run stands between guard bytes, and is made twice from
// different garbage in outputs and workspace: what is written outside, left unwritten, changed of the inputs,
// or hangs on garbage, is an error that names plugin and node.
enum class PluginChecks {
  kFirstRun,  // of every node with every new combination of shapes: the default
  kEveryRun,
  kNever,
};
// For runs from now on. SLIPWAY_CHECK_PLUGINS=first, every or never in the environment sets the start.
void SetPluginChecks(PluginChecks checks);

}  // namespace slipway
