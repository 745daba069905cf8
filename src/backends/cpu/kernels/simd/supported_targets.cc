#include "backends/cpu/kernels/simd/supported_targets.h"

#include "backends/cpu/kernels/simd/targets.h"
#include "hwy/targets.h"

namespace slipway::cpu {

int64_t SupportedTargets() {
  const int64_t targets = hwy::SupportedTargets();
  hwy::GetChosenTarget().Update(targets);
  return targets;
}

}  // namespace slipway::cpu
