// The kernel of Transpose as the kernels behind it see it.
#pragma once

#include "backends/api/backend.h"

namespace slipway::cpu {

// Whether it is a Transpose of images whose channels come first to images whose channels come last.
bool MovesChannelsLast(const Kernel& kernel);

}  // namespace slipway::cpu
