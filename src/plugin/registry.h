// The plugins that are there, and the operator records made of them.
#pragma once

#include <string>
#include <string_view>

#include "ops/op.h"
#include "slipway/plugin_abi.h"

namespace slipway {

// Stays until the program ends.
struct RegisteredPlugin {
  slipway_plugin table{};  // a copy: functions that its maker did not know are null
  std::string origin;      // "./libscale.so", "this program"
  std::string library;     // file name of the library; "" where it is none
};

// The plugin behind an operator "Scale@1"; null when there is none. Thread-safe.
const RegisteredPlugin* FindPlugin(std::string_view op);
// The same by the plugin's own name, whatever version is the newest.
const RegisteredPlugin* FindPluginByName(std::string_view name);

// "plugin 'Scale' version 1 (./libscale.so)"
std::string Describe(const RegisteredPlugin& plugin);
// The operator of nodes made for this plugin as it is now.
std::string OpNameOf(const RegisteredPlugin& plugin);

// Checks the table and adds the plugin with a record for each version that it reads.
// library: its file name, or "" for a plugin of the program itself.
Status AddPlugin(const slipway_plugin* table, std::string_view origin, std::string_view library);

// Functions of the records.
Status InferPluginNode(InferContext& context);    // infer.cc
Status RunPluginNode(RunContext& context);        // reference.cc
Status ImportPluginNode(ImportContext& context);  // import.cc

}  // namespace slipway
