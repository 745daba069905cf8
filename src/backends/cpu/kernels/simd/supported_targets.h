// Which instruction sets there are to choose from.
#pragma once

#include <cstdint>

namespace slipway::cpu {

// hwy::SupportedTargets; call this one. Debian's (1.0.3) lets the kernels run on all that the processor has
// from then on, though some of it may have been taken away (hwy::DisableTargets).
int64_t SupportedTargets();

}  // namespace slipway::cpu
