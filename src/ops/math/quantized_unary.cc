// Hard swish, magnitude, reciprocal root, clamps and the table functions of quantised integers.
#include <bit>
#include <cmath>

#include "ops/math/quantized.h"
#include "ops/math/quantized_parts.h"

namespace slipway {
namespace {

int16_t Saturate16(int32_t x) { return static_cast<int16_t>(std::clamp(x, -32768, 32767)); }

// The upper half of 2 * a * b, rounded to nearest or toward zero.
int16_t HighMulRounded(int16_t a, int16_t b) {
  if (a == b && a == -32768) return 32767;
  const int32_t product = a * b;
  return static_cast<int16_t>((product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}
int16_t HighMulTruncated(int16_t a, int16_t b) {
  return a == b && a == -32768 ? 32767 : static_cast<int16_t>(a * b / (1 << 15));
}

float RealOf(const Quant& quant, int64_t q) {
  return quant.scales[0] * static_cast<float>(q - quant.zero_points[0]);
}

struct Multiplier16 {
  int16_t multiplier;
  int exponent;
};

Multiplier16 Quantize16(float real) {
  const FixedMultiplier wide = QuantizeMultiplier(static_cast<double>(real));
  constexpr int32_t kHalf = 1 << 15;
  const bool is_largest = wide.multiplier >= std::numeric_limits<int32_t>::max() - kHalf;
  return {static_cast<int16_t>(is_largest ? 32767 : (wide.multiplier + kHalf) >> 16), wide.shift};
}

// 0.5 + x / 6 within [0, 1] as a 16-bit fraction, x in hi-res steps (a 128th of the input's).
int16_t HardSigmoidOf(int16_t hires, const Multiplier16& third) {
  int16_t value = hires;
  if (third.exponent > 0) value = Saturate16(value * (1 << std::min(third.exponent - 1, 15)));
  value = HighMulRounded(value, third.multiplier);
  if (third.exponent > 0) value = Saturate16(value * 2);
  if (third.exponent < 0) {
    value = static_cast<int16_t>(RoundingDivideByPowerOfTwo(value, std::min(-third.exponent, 31)));
  }
  return static_cast<int16_t>((value + (1 << 15)) >> 1);
}

// 1 / sqrt(value), value >= 1, as a multiplier: Newton's iteration on 3 integer bits.
FixedMultiplier InverseRoot(int32_t value) {
  if (value <= 1) return {std::numeric_limits<int32_t>::max(), 0};
  int shift = 11;
  while (value >= (1 << 29)) {
    value /= 4;
    ++shift;
  }
  const int pairs = (std::countl_zero(static_cast<uint32_t>(value)) - 1) / 2 - 1;
  shift -= pairs;
  value <<= 2 * pairs;
  const auto multiply = SaturatingRoundingDoublingHighMul;
  const auto shift_left = [](int32_t x, int bits) {
    constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
    return static_cast<int32_t>(std::clamp(int64_t{x} * (int64_t{1} << bits), -kMax - 1, kMax));
  };
  const int32_t half = RoundingDivideByPowerOfTwo(value >> 1, 1);
  constexpr int32_t kHalfThree = (1 << 28) + (1 << 27);
  int32_t x = 1 << 28;
  for (int i = 0; i < 5; ++i) {
    const int32_t cube = shift_left(multiply(multiply(x, x), x), 6);
    x = shift_left(multiply(kHalfThree, x) - multiply(half, cube), 3);
  }
  constexpr int32_t kHalfRootTwo = 1518500250;
  x = multiply(x, kHalfRootTwo);
  if (shift < 0) {
    x <<= -shift;
    shift = 0;
  }
  return {x, -shift};
}

}  // namespace

Status RunOnSteps(RunContext& context, ClampRange range, FunctionRef<int64_t(int32_t)> f) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const int32_t zero = ScaleOf(*context.in_quant(0)).zero_point;
  const int64_t out_zero = ScaleOf(*context.out_quant(0)).zero_point;
  const int64_t count = x.count();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t value = f(static_cast<int32_t>(LoadInt(x.dtype(), x.data(), i)) - zero);
    StoreInt(y.dtype(), y.data(), i, Clamp(value + out_zero, range));
  }
  return Status::Ok();
}

Status RunQuantizedHardSwish(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  if (context.in(0).dtype() == DType::kI16) {
    return RunTable(context, [](float x) { return x * std::clamp(x + 3.0F, 0.0F, 6.0F) / 6.0F; });
  }
  const float hires = (1.0F / 128.0F) * context.in_quant(0)->scales[0];
  const Multiplier16 to_output = Quantize16(hires / context.out_quant(0)->scales[0]);
  const Multiplier16 third = Quantize16(hires / (3.0F / 32768.0F));
  if (to_output.exponent > 0)
    return context.Error("the output's scale is over 128 times finer than the input's");
  return RunOnSteps(context, FullRange(context.out(0).dtype()), [&](int32_t q) {
    const auto x = static_cast<int16_t>(q * (1 << 7));
    const int16_t scaled = HighMulRounded(x, to_output.multiplier);
    const int16_t product = HighMulTruncated(HardSigmoidOf(x, third), scaled);
    return int64_t{RoundingDivideByPowerOfTwo(product, std::min(-to_output.exponent, 31))};
  });
}

Status RunQuantizedClamp(RunContext& context, ActivationSpec activation) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  const FixedMultiplier m = QuantizeMultiplier(static_cast<double>(context.in_quant(0)->scales[0]) /
                                               static_cast<double>(context.out_quant(0)->scales[0]));
  const ClampRange range = QuantizedClamp(activation, context.out(0).dtype(), *context.out_quant(0));
  return RunOnSteps(context, range, [&](int32_t q) { return int64_t{MultiplyByQuantizedMultiplier(q, m)}; });
}

Status RunQuantizedAbs(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  const float in = context.in_quant(0)->scales[0];
  const float out = context.out_quant(0)->scales[0];
  const FixedMultiplier m = QuantizeMultiplier(static_cast<double>(in) / static_cast<double>(out));
  return RunOnSteps(context, FullRange(context.out(0).dtype()), [&](int32_t q) {
    const int32_t magnitude = std::abs(q);
    return int64_t{in == out ? magnitude : MultiplyByQuantizedMultiplier(magnitude, m)};
  });
}

Status RunQuantizedRsqrt(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  if (context.in(0).dtype() == DType::kI16) {
    const float largest = RealOf(*context.out_quant(0), 32767);
    return RunTable(context, [&](float x) { return x <= 0 ? largest : 1.0F / std::sqrt(x); });
  }
  constexpr int kShift = 20;  // keeps the root an integer
  const double real = 1.0 / (std::sqrt(static_cast<double>(context.in_quant(0)->scales[0])) *
                             static_cast<double>(context.out_quant(0)->scales[0]));
  FixedMultiplier m = QuantizeMultiplier(real);
  m.shift -= kShift;
  return RunOnSteps(context, FullRange(context.out(0).dtype()), [&](int32_t q) {
    if (q <= 0) return int64_t{1} << 24;  // LiteRT: what is close to 0 gives the largest value
    FixedMultiplier root = InverseRoot(q);
    root.shift += kShift;
    return int64_t{MultiplyByQuantizedMultiplier(MultiplyByQuantizedMultiplier(1, root), m)};
  });
}

Status RunQuantizedExp(RunContext& context) {
  return RunTable(context, [](float x) { return std::exp(x); });
}

Status RunQuantizedLog(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  const float smallest = RealOf(*context.out_quant(0), MinOfInteger(context.out(0).dtype()));
  return RunTable(context, [&](float x) { return x <= 0 ? smallest : std::log(x); });
}

Status RunQuantizedElu(RunContext& context) {
  const float alpha = context.attrs().Float("alpha", 1);
  return RunTable(context, [&](float x) { return x < 0 ? alpha * std::expm1(x) : x; });
}

Status RunQuantizedGelu(RunContext& context) {
  if (context.attrs().String("approximate") != "tanh") {
    return RunTable(context,
                    [](float x) { return 0.5F * x * (1 + std::erf(x * static_cast<float>(M_SQRT1_2))); });
  }
  return RunTable(context, [](float x) {
    constexpr auto kRoot = static_cast<float>(M_2_SQRTPI * M_SQRT1_2);
    return 0.5F * x * (1 + std::tanh(kRoot * (x + 0.044715F * x * x * x)));
  });
}

}  // namespace slipway
