// When runs of plugins are checked.
#pragma once

#include "slipway/plugin_library.h"

namespace slipway {

// What SetPluginChecks set last, or SLIPWAY_CHECK_PLUGINS says.
PluginChecks PluginChecksNow();

}  // namespace slipway
