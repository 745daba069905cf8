// The tactic for 8-bit FullyConnected: the 1x1 convolution kernel, equal to the reference to the bit.
//
// i8 multiplies the accumulators by the scales in double and rounds once; u8 keeps the fixed-point rule.
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "backends/api/packed_inputs.h"
#include "backends/cpu/quantized.h"

namespace slipway::cpu {
namespace {

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "FullyConnected") return "not a FullyConnected";
  if (auto reason = WhyNotQ8(step)) return reason;
  const Tensor& w = step.inputs[1]->data;
  const auto scales = static_cast<int64_t>(step.inputs[1]->quant->scales.size());
  if (scales != 1 && scales != w.dim(0)) return "weights have an odd number of scales";
  if (!FitsQ8(w.dim(1))) return "the rows are too long";
  if (TypeOf(step.inputs[0]) == DType::kU8) return std::nullopt;
  // The reference multiplies the 64-bit sum: ours must not wrap.
  int64_t largest = 0;
  for (int32_t b : BiasOfQ8(step, w.dim(0))) largest = std::max<int64_t>(largest, std::llabs(b));
  if (step.HasInput(2) && TypeOf(step.inputs[2]) != DType::kI32) return "bias is not i32";
  if (w.dim(1) * 255 * 255 + largest > std::numeric_limits<int32_t>::max()) return "sums may exceed 32 bits";
  return std::nullopt;
}

class QuantizedMatMulKernel : public Kernel {
 public:
  explicit QuantizedMatMulKernel(const Step& step) {
    const Tensor& w = step.inputs[1]->data;
    const Quant& xq = *step.inputs[0]->quant;
    const Quant& wq = *step.inputs[1]->quant;
    const Quant& yq = *step.outputs[0]->quant;
    const DType type = TypeOf(step.inputs[0]);
    filter_ = ShapeOfQ8(step, w.dim(0), w.dim(1));
    lines_ = PackInput<WeightLine>(step, 1, filter_.line_count(), [&](WeightLine* to) {
      const std::vector<int16_t> weights = WeightsOfQ8(step);
      const std::vector<int32_t> bias = BiasOfQ8(step, filter_.out_c);
      PackQ8({weights, bias, wq.scales.size() > 1 ? 0 : static_cast<int32_t>(ZeroPointOf(wq))}, filter_, to);
    });
    filter_.lines = lines_.data();
    const ClampRange clamp = QuantizedClamp(ActivationOf(step.attrs()), type, yq);
    const auto units = static_cast<size_t>(filter_.out_c);
    if (!filter_.is_signed) {
      const FixedMultiplier one = OutputMultipliers(xq, wq, yq, 1, ScaleProduct::kInFloat)[0];
      const std::vector<FixedMultiplier> all(units, one);
      requantizer_ = Requantizer::Of(all, ZeroPointOf(yq), clamp.low, clamp.high);
      return;
    }
    std::vector<double> scales;
    for (int64_t i = 0; i < filter_.out_c; ++i) {
      scales.push_back(static_cast<double>(ScaleOf(xq)) * static_cast<double>(ScaleOf(wq, i)) /
                       static_cast<double>(ScaleOf(yq)));
    }
    requantizer_ = Requantizer::OfReals(scales, ZeroPointOf(yq), clamp.low, clamp.high);
  }

  Status Run(const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    Tensor& y = args.out(0);
    if (y.count() == 0) return Status::Ok();
    ConvQ8 conv;
    conv.geometry.in_w = conv.geometry.out_w = y.count() / filter_.out_c;
    conv.geometry.in_c = conv.geometry.in_step = filter_.depth;
    conv.geometry.out_c = conv.geometry.out_step = filter_.out_c;
    conv.x = static_cast<const uint8_t*>(x.data());
    conv.x_end = conv.x + x.count();
    conv.y = static_cast<uint8_t*>(y.data());
    conv.filter = &filter_;
    conv.requantizer = &requantizer_;
    RunConvInParallelQ8(conv, args.pool);
    return Status::Ok();
  }

 private:
  PackedArray<WeightLine> lines_;
  PackedQ8 filter_;
  Requantizer requantizer_;
};

}  // namespace

std::vector<const Tactic*> QuantizedMatMulTactics() {
  static const SimpleTactic matmul("cpu/matmul_q8", Speed{100, 60}, WhyNot,
                                   MakeKernel<QuantizedMatMulKernel>);
  return {&matmul};
}

}  // namespace slipway::cpu
