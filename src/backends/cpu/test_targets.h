// The instruction sets that tests hold the kernels to, one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/cpu/kernels/simd/targets.h"
#include "hwy/targets.h"

namespace slipway::cpu {

// Those that the kernels are compiled for and this machine has. Where one alone is compiled it needs no
// choice, and Highway's library need not know it: Debian's for ARMv7 is built without NEON.
inline std::vector<int64_t> TargetsToTest() {
  std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  if (targets.empty()) targets.push_back(HWY_STATIC_TARGET);
  return targets;
}

}  // namespace slipway::cpu
