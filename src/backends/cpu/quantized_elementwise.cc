// Tactic for Add, Sub and Mul of quantised integers, any broadcasting: TFLite's fixed-point arithmetic.
#include <algorithm>

#include "backends/cpu/broadcast.h"
#include "backends/cpu/kernels/elementwise/elementwise_quant.h"
#include "backends/cpu/tactics.h"
#include "base/scalar.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 8192;  // elements per task at least

std::optional<std::string> WhyNot(const Step& step) {
  const std::string& op = step.op->name;
  if (op != "Add" && op != "Sub" && op != "Mul") return "no sum or product";
  const DType dtype = TypeOf(step.inputs[0]);
  if (dtype != DType::kI8 && dtype != DType::kU8 && dtype != DType::kI16)
    return "operands are not i8, u8 or i16";
  for (const Value* value : {step.inputs[0], step.inputs[1], static_cast<const Value*>(step.outputs[0])}) {
    if (TypeOf(value) != dtype) return "operands differ in type";
    if (!IsQuantizedPerTensor(value)) return "operands have not one scale and zero point each";
    if (!(value->quant->scales[0] > 0)) return "a scale is not positive";
  }
  if (FusedOf(ActivationOf(step.attrs())).kind != ActivationKind::kClamp)
    return "the fused activation is no clamp";
  const Type& type = step.outputs[0]->type;
  if (!type.HasRank() || type.rank() > static_cast<int>(kMaxBroadcastRank))
    return "the rank is unknown or above 8";
  return std::nullopt;
}

class QuantizedBinaryKernel : public Kernel {
 public:
  explicit QuantizedBinaryKernel(const Step& step) : dtype_(TypeOf(step.inputs[0])) {
    const Quant& a = *step.inputs[0]->quant;
    const Quant& b = *step.inputs[1]->quant;
    const Quant& y = *step.outputs[0]->quant;
    row_.a_zero = static_cast<int32_t>(a.zero_points[0]);
    row_.b_zero = static_cast<int32_t>(b.zero_points[0]);
    row_.out_zero = static_cast<int32_t>(y.zero_points[0]);
    const ClampRange clamp = QuantizedClamp(ActivationOf(step.attrs()), dtype_, y);
    row_.low = static_cast<int32_t>(clamp.low - row_.out_zero);
    row_.high = static_cast<int32_t>(clamp.high - row_.out_zero);
    if (step.op->name == "Mul") {
      row_.function = QuantizedRow::Function::kProduct;
      const float real = a.scales[0] * b.scales[0] / y.scales[0];  // in f32, as LiteRT
      row_.by_out = QuantizeMultiplier(static_cast<double>(real));
      return;
    }
    row_.sign = step.op->name == "Sub" ? -1 : 1;
    // 20 bits of headroom for 8-bit operands, 15 for 16-bit ones: the specification's left shift.
    row_.left_shift = dtype_ == DType::kI16 ? 15 : 20;
    const double twice_max = 2 * static_cast<double>(std::max(a.scales[0], b.scales[0]));
    row_.by_a = QuantizeMultiplier(static_cast<double>(a.scales[0]) / twice_max);
    row_.by_b = QuantizeMultiplier(static_cast<double>(b.scales[0]) / twice_max);
    row_.by_out = QuantizeMultiplier(twice_max / ((1 << row_.left_shift) * static_cast<double>(y.scales[0])));
  }

  Status Run(const KernelArgs& args) const override {
    switch (dtype_) {
      case DType::kI8: RunTyped<int8_t>(args); break;
      case DType::kU8: RunTyped<uint8_t>(args); break;
      default: RunTyped<int16_t>(args);
    }
    return Status::Ok();
  }

 private:
  template <class T>
  void RunTyped(const KernelArgs& args) const {
    QuantizedRow row = row_;
    ZipRuns<T>(args.in(0), args.in(1), args.out(0), row, kGrain, args.pool,
               [&](const T* a, const T* b, int64_t width, T* y) { RunQuantizedRow<T>(row, a, b, width, y); });
  }

  DType dtype_;
  QuantizedRow row_;
};

}  // namespace

std::vector<const Tactic*> QuantizedElementwiseTactics() {
  static const SimpleTactic binary("cpu/binary_quant", BoundByMemory(8), WhyNot,
                                   MakeKernel<QuantizedBinaryKernel>);
  return {&binary};
}

}  // namespace slipway::cpu
