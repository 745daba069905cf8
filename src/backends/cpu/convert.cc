// Tactics between reals and quantised integers, one scale per tensor: Quantize and QuantizeLinear from f32,
// and half floats to f32. What starts from 8-bit integers goes by table (table.cc).
#include "backends/cpu/kernels/convert/convert.h"

#include <cmath>

#include "backends/cpu/tactics.h"
#include "base/scalar.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 8192;  // elements per task at least

bool IsNarrow(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16 || dtype == DType::kU16;
}

bool IsScalar(const Value* value) {
  return value != nullptr && value->IsConstant() && value->data.count() == 1;
}

std::optional<std::string> WhyNotQuantize(const Step& step) {
  const std::string& op = step.op->name;
  if (op != "Quantize" && op != "QuantizeLinear") return "does not quantise";
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  if (!IsNarrow(TypeOf(step.outputs[0]))) return "output is not of 8 or 16 bits";
  if (op == "Quantize") {
    if (!IsQuantizedPerTensor(step.outputs[0])) return "the output has not one scale and zero point";
    return std::nullopt;
  }
  if (!IsScalar(step.inputs[1]) || (step.HasInput(2) && !IsScalar(step.inputs[2])))
    return "scale and zero point are not constant scalars";
  return std::nullopt;
}

class QuantizeKernel : public Kernel {
 public:
  explicit QuantizeKernel(const Step& step) : to_(TypeOf(step.outputs[0])) {
    row_.low = static_cast<int32_t>(MinOfInteger(to_));
    row_.high = static_cast<int32_t>(MaxOfInteger(to_));
    if (step.op->name == "Quantize") {
      const Quant& quant = *step.outputs[0]->quant;
      row_.scale = quant.scales[0];
      row_.zero_point = static_cast<int32_t>(quant.zero_points[0]);
      row_.ties = TieRule::kAwayFromZero;
      return;
    }
    const Tensor& scale = step.inputs[1]->data;
    row_.scale = static_cast<float>(LoadReal(scale.dtype(), scale.data(), 0));
    row_.nan = NanRule::kZero;
    if (!step.HasInput(2)) return;
    const Tensor& zero = step.inputs[2]->data;
    row_.zero_point = static_cast<int32_t>(LoadInt(zero.dtype(), zero.data(), 0));
  }

  Status Run(const KernelArgs& args) const override {
    const float* x = args.in(0).as<float>();
    const int64_t count = args.in(0).count();
    Tensor& y = args.out(0);
    const auto run = [&](auto* to) {
      args.pool.ParallelFor(count, kGrain, [&](int64_t begin, int64_t end) {
        QuantizeFloats(row_, x + begin, end - begin, to + begin);
      });
    };
    switch (to_) {
      case DType::kI8: run(y.as<int8_t>()); break;
      case DType::kU8: run(y.as<uint8_t>()); break;
      case DType::kI16: run(y.as<int16_t>()); break;
      default: run(y.as<uint16_t>());
    }
    return Status::Ok();
  }

 private:
  QuantizeRow row_;
  DType to_;
};

std::optional<std::string> WhyNotHalf(const Step& step) {
  if (step.op->name != "Dequantize" && step.op->name != "Cast") return "does not convert";
  if (TypeOf(step.inputs[0]) != DType::kF16 || TypeOf(step.outputs[0]) != DType::kF32)
    return "not f16 to f32";
  return std::nullopt;
}

class HalfKernel : public Kernel {
 public:
  explicit HalfKernel(const Step&) {}
  Status Run(const KernelArgs& args) const override {
    args.pool.ParallelFor(args.in(0).count(), kGrain, [&](int64_t begin, int64_t end) {
      HalfToFloats(args.in(0).as<uint16_t>() + begin, end - begin, args.out(0).as<float>() + begin);
    });
    return Status::Ok();
  }
};

}  // namespace

std::vector<const Tactic*> ConvertTactics() {
  static const SimpleTactic quantize("cpu/quantize_f32", BoundByMemory(27), WhyNotQuantize,
                                     MakeKernel<QuantizeKernel>);
  static const SimpleTactic half("cpu/half_to_f32", BoundByMemory(60), WhyNotHalf, MakeKernel<HalfKernel>);
  return {&quantize, &half};
}

}  // namespace slipway::cpu
