// The tactic for f32 Conv and FullyConnected with a residual: the kernel of the same layer without one, and a
// pass over its result.
//
// One pass over memory more than a kernel that adds while storing; fits wherever any kernel fits the layer.
#include <algorithm>

#include "backends/cpu/kernels/elementwise/elementwise_f32.h"
#include "backends/cpu/tactics.h"
#include "ops/nn/residual.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 8192;  // elements per task at least

// A step that lacks the residual, and the activation too if that comes after the sum.
struct BareLayer {
  explicit BareLayer(const Step& step) : node(*step.node), bare(step) {
    node.inputs.resize(kResidualInput);
    bare.inputs.resize(kResidualInput);
    bare.node = &node;
    if (ResidualOrderOf(step.attrs()) == ResidualOrder::kBeforeActivation)
      node.attrs.Set("activation", std::string("none"));
  }
  BareLayer(const BareLayer&) = delete;

  Node node;
  Step bare;
};

// The cheapest that fits; null where none does, and `reason` is the last one's.
const Tactic* TacticOf(const Step& bare, std::string& reason) {
  const Tactic* best = nullptr;
  std::vector<const Tactic*> tactics = bare.op->name == "Conv" ? ConvTactics() : MatMulTactics();
  for (const Tactic* tactic : DepthwiseTactics()) tactics.push_back(tactic);
  for (const Tactic* tactic : tactics) {
    if (auto why_not = tactic->WhyNot(bare)) {
      reason = std::move(*why_not);
    } else if (best == nullptr || tactic->EstimateUs(bare) < best->EstimateUs(bare)) {
      best = tactic;
    }
  }
  return best;
}

class ThenResidualKernel : public Kernel {
 public:
  ThenResidualKernel(const Step& step, std::unique_ptr<Kernel> layer) : layer_(std::move(layer)) {
    if (ResidualOrderOf(step.attrs()) == ResidualOrder::kBeforeActivation)
      row_.activation = FusedOf(ActivationOf(step.attrs()));
  }

  int64_t WorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const override {
    return layer_->WorkspaceBytes(inputs.first(std::min(inputs.size(), kResidualInput)), outputs);
  }

  int64_t ThreadWorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const override {
    return layer_->ThreadWorkspaceBytes(inputs.first(std::min(inputs.size(), kResidualInput)), outputs);
  }

  bool CanReadSteps(size_t input) const override {
    return input < kResidualInput && layer_->CanReadSteps(input);
  }

  Status Run(const KernelArgs& args) const override {
    KernelArgs bare = args;
    bare.inputs = args.inputs.first(kResidualInput);
    bare.input_steps = args.input_steps.first(std::min(args.input_steps.size(), kResidualInput));
    SLIPWAY_RETURN_IF_ERROR(layer_->Run(bare));
    const float* residual = args.in(kResidualInput).as<float>();
    float* y = args.out(0).as<float>();
    args.pool.ParallelFor(args.out(0).count(), kGrain, [&](int64_t begin, int64_t end) {
      RunBinaryF32(row_, y + begin, residual + begin, end - begin, y + begin);
    });
    return Status::Ok();
  }

 private:
  std::unique_ptr<Kernel> layer_;
  BinaryRow row_;
};

class ThenResidual : public Tactic {
 public:
  std::string name() const override { return "cpu/then_residual_f32"; }

  std::optional<std::string> WhyNot(const Step& step) const override {
    if (step.op->name != "Conv" && step.op->name != "FullyConnected") return "not a layer with a residual";
    if (!step.HasInput(kResidualInput)) return "no residual is added";
    const BareLayer layer(step);
    std::string reason;
    if (TacticOf(layer.bare, reason) != nullptr) return std::nullopt;
    return "without the residual: " + reason;
  }

  double EstimateUs(const Step& step) const override {
    const BareLayer layer(step);
    std::string reason;
    constexpr double kBytesPerUs = 10e3;
    const double bytes = 3 * 4 * static_cast<double>(CountOfType(step.outputs[0]->type));
    return TacticOf(layer.bare, reason)->EstimateUs(layer.bare) + bytes / kBytesPerUs;
  }

  Result<std::unique_ptr<Kernel>> Make(const Step& step) const override {
    const BareLayer layer(step);
    std::string reason;
    SLIPWAY_ASSIGN_OR_RETURN(auto kernel, TacticOf(layer.bare, reason)->Make(layer.bare));
    return std::unique_ptr<Kernel>(std::make_unique<ThenResidualKernel>(step, std::move(kernel)));
  }
};

}  // namespace

std::vector<const Tactic*> ThenResidualTactics() {
  static const ThenResidual then_residual;
  return {&then_residual};
}

}  // namespace slipway::cpu
