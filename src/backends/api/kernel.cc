#include "backends/api/backend.h"

namespace slipway {

bool HasKnownBytes(const Type& type) {
  return type.kind == TypeKind::kTensor && type.IsStatic() && type.dtype != DType::kString &&
         type.dtype != DType::kNone;
}

int64_t Kernel::WorkspaceBytes(std::span<const Type>, std::span<const Type>) const { return 0; }

int64_t Kernel::ThreadWorkspaceBytes(std::span<const Type>, std::span<const Type>) const { return 0; }

bool Kernel::CanReadSteps(size_t) const { return false; }

bool Kernel::CanWriteSteps(size_t) const { return false; }

bool Kernel::CanReadBf16(size_t) const { return false; }

bool Kernel::CanWriteBf16(size_t) const { return false; }

bool Kernel::CanOverwrite(size_t, size_t) const { return false; }

std::optional<double> Tactic::Flops(const Step&) const { return std::nullopt; }

}  // namespace slipway
