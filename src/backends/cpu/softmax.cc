// Tactics for Softmax along any axis: f32, and quantised 8-bit by a table of exponentials.
#include "backends/cpu/kernels/softmax/softmax.h"

#include <algorithm>
#include <cmath>

#include "backends/cpu/tactics.h"
#include "ops/nn/softmax.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 4096;  // elements per task at least

std::optional<std::string> WhyNotF32(const Step& step) {
  if (step.op->name != "Softmax") return "not a Softmax";
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  return std::nullopt;
}

class SoftmaxKernel : public Kernel {
 public:
  explicit SoftmaxKernel(const Step& step) : attrs_(step.attrs()), beta_(step.attrs().Float("beta", 1)) {}

  int64_t WorkspaceBytes(std::span<const Type> inputs, std::span<const Type>) const override {
    if (!inputs[0].IsStatic()) return 0;
    const RowSplit split = SplitRows(attrs_, KnownDims(*inputs[0].shape));
    return split.inner == 1 ? 0 : 2 * split.outer * split.inner * static_cast<int64_t>(sizeof(float));
  }

  Status Run(const KernelArgs& args) const override {
    if (args.in(0).count() == 0) return Status::Ok();
    const RowSplit split = SplitRows(attrs_, args.in(0).dims());
    const float* x = args.in(0).as<float>();
    float* y = args.out(0).as<float>();
    const int64_t block = split.length * split.inner;
    const int64_t grain = std::max<int64_t>(1, kGrain / block);
    auto* scratch = reinterpret_cast<float*>(args.workspace.data());
    args.pool.ParallelFor(split.outer, grain, [&](int64_t begin, int64_t end) {
      if (split.inner == 1 && split.length <= kShortRow)
        return SoftmaxShortRows(x + begin * block, end - begin, split.length, beta_, y + begin * block);
      for (int64_t o = begin; o < end; ++o) {
        if (split.inner == 1) {
          SoftmaxRow(x + o * block, split.length, beta_, y + o * block);
        } else {
          SoftmaxColumns(x + o * block, split.length, split.inner, split.inner, beta_,
                         scratch + 2 * o * split.inner, y + o * block);
        }
      }
    });
    return Status::Ok();
  }

 private:
  Attrs attrs_;
  float beta_;
};

// Every row costs the latencies of its largest element, its sum and its quotient; short ones share them.
class SoftmaxTactic : public SimpleTactic {
 public:
  using SimpleTactic::SimpleTactic;
  double EstimateUs(const Step& step) const override {
    constexpr double kRowUs = 0.03, kElementOfShortRowUs = 0.0015;
    const double us = SimpleTactic::EstimateUs(step);
    const Type& type = step.inputs[0]->type;
    if (!type.IsStatic() || CountOfType(type) == 0) return us;
    const RowSplit split = SplitRows(step.attrs(), KnownDims(*type.shape));
    const auto count = static_cast<double>(CountOfType(type));
    if (split.inner > 1) return us;
    return us + (split.length <= kShortRow ? count * kElementOfShortRowUs
                                           : count / static_cast<double>(split.length) * kRowUs);
  }
};

std::optional<std::string> WhyNotQuantized(const Step& step) {
  if (step.op->name != "Softmax") return "not a Softmax";
  const DType dtype = TypeOf(step.inputs[0]);
  if (dtype != DType::kI8 && dtype != DType::kU8) return "input is not i8 or u8";
  if (TypeOf(step.outputs[0]) != dtype) return "output is of another type";
  if (!IsQuantizedPerTensor(step.inputs[0]) || !IsQuantizedPerTensor(step.outputs[0]))
    return "operands have not one scale and zero point each";
  return std::nullopt;
}

class QuantizedSoftmaxKernel : public Kernel {
 public:
  explicit QuantizedSoftmaxKernel(const Step& step)
      : attrs_(step.attrs()), is_signed_(TypeOf(step.inputs[0]) == DType::kI8) {
    const float per_step = -step.inputs[0]->quant->scales[0] * step.attrs().Float("beta", 1);
    for (int d = 0; d < 256; ++d) softmax_.table[d] = std::exp(per_step * static_cast<float>(d));
    softmax_.out_scale = step.outputs[0]->quant->scales[0];
    softmax_.out_zero = static_cast<int32_t>(step.outputs[0]->quant->zero_points[0]);
  }

  Status Run(const KernelArgs& args) const override {
    if (args.in(0).count() == 0) return Status::Ok();
    const RowSplit split = SplitRows(attrs_, args.in(0).dims());
    const auto run = [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t first = row / split.inner * split.length * split.inner + row % split.inner;
        if (is_signed_) {
          SoftmaxRowI8(softmax_, args.in(0).as<int8_t>() + first, split.length, split.inner,
                       args.out(0).as<int8_t>() + first);
        } else {
          SoftmaxRowU8(softmax_, args.in(0).as<uint8_t>() + first, split.length, split.inner,
                       args.out(0).as<uint8_t>() + first);
        }
      }
    };
    args.pool.ParallelFor(split.outer * split.inner, std::max<int64_t>(1, kGrain / split.length), run);
    return Status::Ok();
  }

 private:
  Attrs attrs_;
  bool is_signed_;
  SoftmaxQuant softmax_;
};

}  // namespace

std::vector<const Tactic*> SoftmaxTactics() {
  static const SoftmaxTactic f32("cpu/softmax_f32", BoundByMemory(25), WhyNotF32, MakeKernel<SoftmaxKernel>);
  static const SimpleTactic quantized("cpu/softmax_quant", BoundByMemory(0.35), WhyNotQuantized,
                                      MakeKernel<QuantizedSoftmaxKernel>);
  return {&f32, &quantized};
}

}  // namespace slipway::cpu
