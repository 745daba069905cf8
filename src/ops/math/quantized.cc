#include "ops/math/quantized.h"

#include "ops/math/quantized_parts.h"

namespace slipway {

bool IsQuantized(const RunContext& context) {
  return context.HasInput(0) && context.in_quant(0) != nullptr && context.out_quant(0) != nullptr &&
         kQuantized.Has(context.in(0).dtype());
}

Status CheckPerTensor(const RunContext& context, size_t num_inputs) {
  for (size_t i = 0; i < num_inputs; ++i) {
    const Quant* quant = context.in_quant(i);
    if (quant == nullptr || quant->scales.size() != 1) {
      return context.Error("input " + std::to_string(i) + " needs one scale and zero point");
    }
  }
  const Quant* out = context.out_quant(0);
  if (out == nullptr || out->scales.size() != 1)
    return context.Error("the output needs one scale and zero point");
  return Status::Ok();
}

Status RunQuantizedSum(RunContext& context, int sign) {
  return OfTwoQuantized(context, [&](const Scales& s) {
    // 20 bits of headroom for 8-bit operands, 15 for 16-bit ones: the specification's left shift.
    const int left_shift = context.in(0).dtype() == DType::kI16 ? 15 : 20;
    const double twice_max = 2 * static_cast<double>(std::max(s.a, s.b));
    const FixedMultiplier ma = QuantizeMultiplier(s.a / twice_max);
    const FixedMultiplier mb = QuantizeMultiplier(s.b / twice_max);
    const FixedMultiplier mc =
        QuantizeMultiplier(twice_max / ((1 << left_shift) * static_cast<double>(s.out)));
    return [=](int32_t a, int32_t b) -> int64_t {
      const int32_t scaled_a = MultiplyByQuantizedMultiplier(a * (1 << left_shift), ma);
      const int32_t scaled_b = MultiplyByQuantizedMultiplier(b * (1 << left_shift), mb);
      return MultiplyByQuantizedMultiplier(scaled_a + sign * scaled_b, mc);
    };
  });
}

Status RunQuantizedSquaredDifference(RunContext& context) {
  return OfTwoQuantized(context, [](const Scales& s) {
    constexpr int kLeftShift = 7;  // 255^2 * 2^14 fits 32 bits
    const double twice_max = 2 * static_cast<double>(std::max(s.a, s.b));
    const FixedMultiplier ma = QuantizeMultiplier(s.a / twice_max);
    const FixedMultiplier mb = QuantizeMultiplier(s.b / twice_max);
    const FixedMultiplier mc =
        QuantizeMultiplier(twice_max * twice_max / ((1 << (2 * kLeftShift)) * static_cast<double>(s.out)));
    return [=](int32_t a, int32_t b) -> int64_t {
      const int32_t difference = MultiplyByQuantizedMultiplier(a * (1 << kLeftShift), ma) -
                                 MultiplyByQuantizedMultiplier(b * (1 << kLeftShift), mb);
      return MultiplyByQuantizedMultiplier(difference * difference, mc);
    };
  });
}

Status RunQuantizedMul(RunContext& context) {
  return OfTwoQuantized(context, [](const Scales& s) {
    const float real = s.a * s.b / s.out;  // LiteRT has it in f32: 16-bit results show it
    const FixedMultiplier m = QuantizeMultiplier(real);
    return [=](int32_t a, int32_t b) -> int64_t { return MultiplyByQuantizedMultiplier(a * b, m); };
  });
}

Status RunQuantizedPRelu(RunContext& context) {
  return OfTwoQuantized(context, [](const Scales& s) {
    const FixedMultiplier positive = QuantizeMultiplier(static_cast<double>(s.a / s.out));
    const FixedMultiplier negative = QuantizeMultiplier(static_cast<double>(s.a * s.b / s.out));
    return [=](int32_t x, int32_t slope) -> int64_t {
      return x >= 0 ? MultiplyByQuantizedMultiplier(x, positive)
                    : MultiplyByQuantizedMultiplier(x * slope, negative);
    };
  });
}

Status RunQuantizedLeakyRelu(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  const float in = context.in_quant(0)->scales[0];
  const float out = context.out_quant(0)->scales[0];
  const double alpha = static_cast<double>(in * context.attrs().Float("alpha") / out);
  const FixedMultiplier negative = QuantizeMultiplier(alpha);
  const FixedMultiplier positive = QuantizeMultiplier(static_cast<double>(in / out));
  return RunOnSteps(context, FullRange(context.out(0).dtype()), [&](int32_t x) -> int64_t {
    return MultiplyByQuantizedMultiplier(x, x >= 0 ? positive : negative);
  });
}

}  // namespace slipway
