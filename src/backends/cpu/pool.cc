// Tactics for MaxPool and AveragePool of f32, i8 and u8, channels last.
#include "backends/cpu/kernels/pool/pool.h"

#include "backends/cpu/tactics.h"
#include "base/scalar.h"

namespace slipway::cpu {
namespace {

std::optional<std::string> WhyNot(const Step& step) {
  const std::string& op = step.op->name;
  if (op != "MaxPool" && op != "AveragePool") return "not a pool";
  const DType dtype = TypeOf(step.inputs[0]);
  if (dtype != DType::kF32 && dtype != DType::kI8 && dtype != DType::kU8) return "input is not f32, i8 or u8";
  if (step.outputs.size() > 1 && step.outputs[1] != nullptr) return "indices are wanted";
  if (LayoutOf(step.attrs()) != Layout::kChannelsLast) return "channels come first";
  const size_t axes = step.attrs().IntList("kernel_shape").size();
  if (axes != 1 && axes != 2) return "not one or two spatial axes";
  if (step.attrs().Int("count_include_pad") != 0) return "padding counts";
  const FusedActivation fused = FusedOf(ActivationOf(step.attrs()));
  if (fused.kind != ActivationKind::kClamp) return "the fused activation is no clamp";
  if (dtype != DType::kF32 && !IsQuantizedPerTensor(step.outputs[0]))
    return "the output carries no quantisation";
  return std::nullopt;
}

class PoolKernel : public Kernel {
 public:
  Status Init(const Step& step) {
    is_max_ = step.op->name == "MaxPool";
    dtype_ = TypeOf(step.inputs[0]);
    SLIPWAY_ASSIGN_OR_RETURN(window_, Window2::Read(step.attrs(), step.attrs().IntList("kernel_shape")));
    pool_.activation = FusedOf(ActivationOf(step.attrs()));
    if (dtype_ == DType::kF32) return Status::Ok();
    const ClampRange clamp = QuantizedClamp(ActivationOf(step.attrs()), dtype_, *step.outputs[0]->quant);
    pool_.low = clamp.low;
    pool_.high = clamp.high;
    return Status::Ok();
  }

  Status Run(const KernelArgs& args) const override {
    if (args.out(0).count() == 0) return Status::Ok();
    const Image2 in = ViewImage2(args.in(0).dims(), Layout::kChannelsLast);
    const Image2 out = ViewImage2(args.out(0).dims(), Layout::kChannelsLast);
    Pool pool = pool_;
    ConvGeometry& g = pool.geometry;
    g.batch = in.n;
    g.in_h = in.h;
    g.in_w = in.w;
    g.in_c = g.in_step = g.out_c = g.out_step = in.c;
    g.out_h = out.h;
    g.out_w = out.w;
    g.kernel_h = window_.kernel[0];
    g.kernel_w = window_.kernel[1];
    g.stride_h = window_.stride[0];
    g.stride_w = window_.stride[1];
    g.dilation_h = window_.dilation[0];
    g.dilation_w = window_.dilation[1];
    g.pad_h = window_.PadFor(0, in.h, out.h);
    g.pad_w = window_.PadFor(1, in.w, out.w);
    args.pool.ParallelFor(in.n * out.h, 1,
                          [&](int64_t begin, int64_t end) { RunRows(pool, args, begin, end); });
    return Status::Ok();
  }

 private:
  void RunRows(const Pool& pool, const KernelArgs& args, int64_t begin, int64_t end) const {
    const Tensor& x = args.in(0);
    Tensor& y = args.out(0);
    if (dtype_ == DType::kF32) {
      is_max_ ? MaxPoolRows<float>(pool, x.as<float>(), begin, end, y.as<float>())
              : AveragePoolRows(pool, x.as<float>(), begin, end, y.as<float>());
    } else if (dtype_ == DType::kI8) {
      is_max_ ? MaxPoolRows<int8_t>(pool, x.as<int8_t>(), begin, end, y.as<int8_t>())
              : AveragePoolRowsInteger<int8_t>(pool, x.as<int8_t>(), begin, end, y.as<int8_t>());
    } else {
      is_max_ ? MaxPoolRows<uint8_t>(pool, x.as<uint8_t>(), begin, end, y.as<uint8_t>())
              : AveragePoolRowsInteger<uint8_t>(pool, x.as<uint8_t>(), begin, end, y.as<uint8_t>());
    }
  }

  bool is_max_ = true;
  DType dtype_ = DType::kF32;
  Window2 window_;
  Pool pool_;
};

}  // namespace

std::vector<const Tactic*> PoolTactics() {
  static const SimpleTactic pool("cpu/pool", 10, WhyNot,
                                 [](const Step& step) -> Result<std::unique_ptr<Kernel>> {
                                   auto kernel = std::make_unique<PoolKernel>();
                                   SLIPWAY_RETURN_IF_ERROR(kernel->Init(step));
                                   return std::unique_ptr<Kernel>(std::move(kernel));
                                 });
  return {&pool};
}

}  // namespace slipway::cpu
