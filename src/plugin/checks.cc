#include "plugin/checks.h"

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace slipway {
namespace {

PluginChecks FromEnvironment() {
  const char* text = std::getenv("SLIPWAY_CHECK_PLUGINS");
  const std::string_view name = text == nullptr ? "first" : text;
  if (name == "every") return PluginChecks::kEveryRun;
  return name == "never" ? PluginChecks::kNever : PluginChecks::kFirstRun;
}

std::atomic<PluginChecks>& Checks() {
  static std::atomic<PluginChecks> checks{FromEnvironment()};
  return checks;
}

}  // namespace

PluginChecks PluginChecksNow() { return Checks().load(std::memory_order_relaxed); }

void SetPluginChecks(PluginChecks checks) { Checks().store(checks, std::memory_order_relaxed); }

}  // namespace slipway
