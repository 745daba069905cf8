// The `cpu` backend's list of tactics: vectorised kernels, chosen by what fits and what the cost model says.
#include "backends/api/backend.h"

namespace slipway {

Backend MakeCpuBackend() { return {"cpu", "vectorised kernels for the host's processor", {}}; }

}  // namespace slipway
