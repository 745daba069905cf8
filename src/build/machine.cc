#include "build/machine.h"

#include "base/cpu_name.h"

namespace slipway {

std::string MachineFingerprint(const std::vector<const Backend*>& backends, int num_threads) {
  std::string text = CpuName();
  for (const Backend* backend : backends) {
    if (!backend->target.empty()) text += " " + backend->target;
  }
  return text + " threads " + std::to_string(num_threads) + " kernels " + std::to_string(kKernelsVersion);
}

}  // namespace slipway
