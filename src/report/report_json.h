// A profile for programs to read.
#pragma once

#include <nlohmann/json.hpp>

#include "report/profile.h"

namespace slipway {

// Keys in one order always; what is unknown is null. docs/performance.md lists them.
nlohmann::ordered_json ToJson(const Profile& profile);

// {"cpu", "isa", "cores", ...} and {"threads", "f32_gflops", ..., "levels"}
nlohmann::ordered_json ToJson(const MachineFacts& machine);
nlohmann::ordered_json ToJson(const Peak& peak);

}  // namespace slipway
