// The list of backends.
#include <algorithm>

#include "backends/api/backend.h"

namespace slipway {

#define SLIPWAY_BACKEND(name) Backend Make##name##Backend();
#include "backends/backends.inc"
#undef SLIPWAY_BACKEND

const std::vector<Backend>& AllBackends() {
  static const std::vector<Backend> backends = {
#define SLIPWAY_BACKEND(name) Make##name##Backend(),
#include "backends/backends.inc"
#undef SLIPWAY_BACKEND
  };
  return backends;
}

const Backend* FindBackend(std::string_view name) {
  const auto& backends = AllBackends();
  const auto found =
      std::find_if(backends.begin(), backends.end(), [&](const Backend& each) { return each.name == name; });
  return found == backends.end() ? nullptr : &*found;
}

const Tactic* FindTactic(std::string_view name) {
  for (const Backend& backend : AllBackends()) {
    for (const Tactic* tactic : backend.tactics) {
      if (tactic->name() == name) return tactic;
    }
  }
  return nullptr;
}

}  // namespace slipway
