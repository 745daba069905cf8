// Tactics for MaxPool and AveragePool of f32, i8 and u8, in both layouts.
#include "backends/cpu/kernels/pool/pool.h"

#include <algorithm>

#include "backends/cpu/tactics.h"
#include "base/scalar.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 32768;  // taps per task at least

std::optional<std::string> WhyNot(const Step& step) {
  const std::string& op = step.op->name;
  if (op != "MaxPool" && op != "AveragePool") return "not a pool";
  const DType dtype = TypeOf(step.inputs[0]);
  if (dtype != DType::kF32 && dtype != DType::kI8 && dtype != DType::kU8) return "input is not f32, i8 or u8";
  if (step.outputs.size() > 1 && step.outputs[1] != nullptr) return "indices are wanted";
  const size_t axes = step.attrs().IntList("kernel_shape").size();
  if (axes != 1 && axes != 2) return "not one or two spatial axes";
  const FusedActivation fused = FusedOf(ActivationOf(step.attrs()));
  if (fused.kind != ActivationKind::kClamp) return "the fused activation is no clamp";
  const bool is_quantized = step.outputs[0]->quant.has_value();
  if (dtype != DType::kF32 && is_quantized && !IsQuantizedPerTensor(step.outputs[0]))
    return "the output has not one scale and zero point";
  return std::nullopt;
}

class PoolKernel : public Kernel {
 public:
  explicit PoolKernel(const Step&) {}
  Status Init(const Step& step) {
    is_max_ = step.op->name == "MaxPool";
    dtype_ = TypeOf(step.inputs[0]);
    SLIPWAY_ASSIGN_OR_RETURN(window_, Window2::Read(step.attrs(), step.attrs().IntList("kernel_shape")));
    pool_.activation = FusedOf(ActivationOf(step.attrs()));
    layout_ = LayoutOf(step.attrs());
    pool_.counts_padding = step.attrs().Int("count_include_pad") != 0;
    if (dtype_ == DType::kF32) return Status::Ok();
    pool_.low = MinOfInteger(dtype_);
    pool_.high = MaxOfInteger(dtype_);
    if (!step.outputs[0]->quant) return Status::Ok();
    const ClampRange clamp = QuantizedClamp(ActivationOf(step.attrs()), dtype_, *step.outputs[0]->quant);
    pool_.low = clamp.low;
    pool_.high = clamp.high;
    return Status::Ok();
  }

  bool CanReadSteps(size_t input) const override { return input == 0 && layout_ == Layout::kChannelsLast; }
  bool CanWriteSteps(size_t output) const override { return output == 0 && layout_ == Layout::kChannelsLast; }

  Status Run(const KernelArgs& args) const override {
    if (args.out(0).count() == 0) return Status::Ok();
    Image2 in = ViewImage2(args.in(0).dims(), layout_);
    Image2 out = ViewImage2(args.out(0).dims(), layout_);
    if (layout_ == Layout::kChannelsFirst) {  // as many images of one channel
      in.n *= in.c;
      out.n *= out.c;
      in.c = out.c = 1;
    }
    Pool pool = pool_;
    ConvGeometry& g = pool.geometry;
    g = GeometryOf(window_, in, out, 1);
    if (layout_ == Layout::kChannelsLast) {
      g.in_step = args.in_step(0);
      g.out_step = args.out_step(0);
    }
    pool.pad_end_h = window_.PadEndFor(0, in.h, out.h);
    pool.pad_end_w = window_.PadEndFor(1, in.w, out.w);
    const int64_t work = out.w * g.in_c * g.kernel_h * g.kernel_w;
    args.pool.ParallelFor(g.batch * out.h, std::max<int64_t>(1, kGrain / work),
                          [&](int64_t begin, int64_t end) { RunRows(pool, args, begin, end); });
    return Status::Ok();
  }

 private:
  void RunRows(const Pool& pool, const KernelArgs& args, int64_t begin, int64_t end) const {
    const Tensor& x = args.in(0);
    Tensor& y = args.out(0);
    if (dtype_ == DType::kF32) {
      is_max_ ? MaxPoolRows<float>(pool, x.as<float>(), begin, end, y.as<float>())
              : AveragePoolRows<float>(pool, x.as<float>(), begin, end, y.as<float>());
    } else if (dtype_ == DType::kI8) {
      is_max_ ? MaxPoolRows<int8_t>(pool, x.as<int8_t>(), begin, end, y.as<int8_t>())
              : AveragePoolRows<int8_t>(pool, x.as<int8_t>(), begin, end, y.as<int8_t>());
    } else {
      is_max_ ? MaxPoolRows<uint8_t>(pool, x.as<uint8_t>(), begin, end, y.as<uint8_t>())
              : AveragePoolRows<uint8_t>(pool, x.as<uint8_t>(), begin, end, y.as<uint8_t>());
    }
  }

  Layout layout_ = Layout::kChannelsLast;
  bool is_max_ = true;
  DType dtype_ = DType::kF32;
  Window2 window_;
  Pool pool_;
};

}  // namespace

std::vector<const Tactic*> PoolTactics() {
  static const SimpleTactic pool("cpu/pool", Speed{60, 24}, WhyNot, MakeKernel<PoolKernel>);
  return {&pool};
}

}  // namespace slipway::cpu
