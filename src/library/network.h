// What stands behind the C interface's handle of a network.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/engine.h"
#include "slipway/runtime.h"

namespace slipway {

struct NetworkPort {
  const PortInfo* info;       // the engine's
  std::vector<int64_t> dims;  // -1: open
  slipway_quant quant;        // of ports that have one
};

}  // namespace slipway

// Immutable once it is given away.
struct slipway_runtime_network {
  std::shared_ptr<const slipway::Engine> engine;
  std::vector<slipway::NetworkPort> inputs, outputs;
  std::string manifest;
  std::vector<std::string> notes;
};
