#include "backends/api/backend.h"

namespace slipway {

int64_t Kernel::WorkspaceBytes(std::span<const Type>, std::span<const Type>) const { return 0; }

int64_t Kernel::ThreadWorkspaceBytes(std::span<const Type>, std::span<const Type>) const { return 0; }

bool Kernel::CanReadSteps(size_t) const { return false; }

bool Kernel::CanWriteSteps(size_t) const { return false; }

bool Kernel::CanOverwrite(size_t, size_t) const { return false; }

}  // namespace slipway
