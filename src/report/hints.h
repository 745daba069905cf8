// What a profile suggests, in words for whoever wants the model to be faster.
#pragma once

#include <string>
#include <vector>

#include "report/profile.h"

namespace slipway {

// One sentence each, the weightiest first: steps on reference code, transposes within the network, 8-bit
// products slower than f32 ones could be, steps too small for more threads, more threads than cores, cores
// far apart. Empty:
// nothing to say.
std::vector<std::string> HintsFor(const Profile& profile);

}  // namespace slipway
