// Tactic for Reshape and kin, which only move bytes.
#include <algorithm>
#include <array>
#include <cstring>

#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

std::optional<std::string> WhyNotReshape(const Step& step) {
  const std::string& op = step.op->name;
  constexpr std::array kOps = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"};
  if (std::find(kOps.begin(), kOps.end(), op) == kOps.end()) return "not a reshape";
  if (step.inputs[0]->type.kind != TypeKind::kTensor) return "not a tensor";
  if (!HasWholeBytes(TypeOf(step.inputs[0]))) return "elements are not whole bytes";
  return std::nullopt;
}

class ReshapeKernel : public Kernel {
 public:
  explicit ReshapeKernel(const Step&) {}
  Status Run(const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    if (x.count() != args.out(0).count()) return Status(Code::kInternal, "reshape to another element count");
    if (x.size_bytes() > 0) std::memcpy(args.out(0).data(), x.data(), static_cast<size_t>(x.size_bytes()));
    return Status::Ok();
  }
};

}  // namespace

std::vector<const Tactic*> ReshapeTactics() {
  static const SimpleTactic reshape("cpu/reshape", BoundByMemory(80), WhyNotReshape,
                                    MakeKernel<ReshapeKernel>);
  return {&reshape};
}

}  // namespace slipway::cpu
