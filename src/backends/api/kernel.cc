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

bool Kernel::CanRunBehind(const Kernel&, const PairTypes&) const { return false; }

int64_t Kernel::ThreadWorkspaceBehind(const Kernel&, const PairTypes&) const { return 0; }

Status Kernel::RunBehind(const Kernel&, const KernelArgs&) const {
  return Status(Code::kInternal, "this kernel runs no other one on the way");
}

std::optional<double> Tactic::Flops(const Step&) const { return std::nullopt; }

}  // namespace slipway
