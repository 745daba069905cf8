// What the runtime library has in the place of plugins, of operators that it was built without, and of
// measured times: errors, and nothing.
#include "build/step_signature.h"
#include "build/timing_table.h"
#include "ops/dynamic_ops.h"
#include "plugin/backend.h"
#include "plugin/nodes.h"

namespace slipway {

const OpDef* FindDynamicOp(std::string_view) { return nullptr; }
std::optional<PluginOp> ParsePluginOp(std::string_view) { return std::nullopt; }
const OpDef& CustomOpRecord() {
  static const OpDef none;
  return none;
}

Status UnknownOp(const Node& node) {
  if (node.op.find_first_of("@:") != std::string::npos) {
    return Status(
        Code::kUnsupported,
        "node '" + node.name + "' is run by a plugin, '" + node.op + "': the runtime library loads none",
        "run it with the full engine");
  }
  return Status(
      Code::kUnsupported,
      "node '" + node.name + "': this runtime library was built without the operator '" + node.op + "'",
      "build it with " + node.op +
          " among SLIPWAY_RUNTIME_OPERATORS ('slipway inspect' lists what a model needs)");
}

Status UnknownOps(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (FindOp(node.op) == nullptr) return UnknownOp(node);
  }
  return Status::Ok();
}

bool HasPluginNodes(const Graph&) { return false; }
const Backend& PluginBackend() {
  static const Backend none;
  return none;
}
Status CheckNoneWaits(const Graph&) { return Status::Ok(); }  // FindDynamicOp knows no such node

// Choices are those of the .slip file or the cost model's: nobody gives a table of times.
std::string StepSignature(const Step&) { return {}; }
std::optional<double> TimingTable::Find(const std::string&, const std::string&) const { return std::nullopt; }

}  // namespace slipway
