// Operators that are not built in: plugins' records, added while the program runs, and foreign nodes that are
// kept as they came until a plugin for them is given.
//
// A plugin's operator is called "<plugin>@<version>", so that graphs, their text form and .slip files say
// which plugin they need. A node that waits for one is "custom:<format>:<domain>:<op>:<version>" with the
// foreign attributes; its results have the types that the source declares.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/op.h"

namespace slipway {

// Attributes of plugins' nodes beside the plugin's own.
inline constexpr const char* kPluginLibraryAttr = "plugin.library";  // file name of the library, for messages
inline constexpr const char* kPluginStateAttr = "plugin.state";      // u8[n], what the plugin serialised

struct PluginOp {
  std::string plugin;
  int64_t version = 0;
};
std::string PluginOpName(std::string_view plugin, int64_t version);
// nullopt: not the name of a plugin's operator.
std::optional<PluginOp> ParsePluginOp(std::string_view op);

struct CustomOp {
  Format format = Format::kOnnx;
  std::string domain;  // ONNX only
  std::string op;
  int64_t version = 0;
};
std::string CustomOpName(const ForeignNode& node);
// nullopt: not the name of a node that waits for its plugin.
std::optional<CustomOp> ParseCustomOp(std::string_view op);

// The record of every "custom:..." node: takes any operands and attributes, knows nothing, cannot run.
const OpDef& CustomOpRecord();

// Adds records, which stay until the program ends; all or none. An error where one of that name is there.
// `origin`: where they come from, for messages: "libscale.so". Thread-safe, like the look-ups.
Status AddDynamicOps(std::string_view origin, std::vector<OpDef> ops);

// What FindOp and FindForeign turn to when no built-in record fits.
const OpDef* FindDynamicOp(std::string_view name);
ForeignMatch FindDynamicForeign(Format format, std::string_view domain, std::string_view op, int64_t version);

// The error of a node whose operator has no record: the plugin that it needs, with its version, the versions
// that are there, and the library to give; or that no operator is called so.
Status UnknownOp(const Node& node);
// The same of all nodes of a graph that need plugins. REQUIRES: at least one node's operator has no record.
Status UnknownOps(const Graph& graph);

}  // namespace slipway
