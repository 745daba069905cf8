// Sigmoid and Tanh of quantised integers: 8-bit by table over all inputs, 16-bit by one table of the sigmoid
// on [0, 10.7) in steps of 1/24, interpolated; tanh(x) = 2 * sigmoid(2x) - 1.
#include <array>
#include <cmath>

#include "ops/math/quantized.h"
#include "ops/math/quantized_parts.h"

namespace slipway {
namespace {

using SigmoidTable = std::array<uint16_t, 256>;

const SigmoidTable& Sigmoids() {
  static const SigmoidTable table = [] {
    SigmoidTable entries;
    for (size_t i = 0; i < entries.size(); ++i) {
      const double value = std::round(65536 / (1 + std::exp(-static_cast<double>(i) / 24)));
      entries[i] = static_cast<uint16_t>(std::min(value, 65535.0));
    }
    return entries;
  }();
  return table;
}

// x * multiplier / 2^shift in steps of 1 / (3 * 4096).
struct InputScaling {
  int32_t multiplier = 0;
  int shift = 0;

  int32_t Apply(int32_t x) const {
    const int64_t nudge = shift > 0 ? int64_t{1} << (shift - 1) : 0;
    return static_cast<int32_t>((int64_t{x} * multiplier + nudge) >> shift);
  }
};

// Scales of 2^-12 (for tanh also 2^-11) are exact; others are multiplied up to 15 bits.
InputScaling ScalingOf(float scale, int largest_exact_shift) {
  const double log = std::log2(scale);
  const auto exponent = static_cast<int>(std::round(log));
  const bool is_power = std::abs(log - exponent) < 1e-3;
  const int left = 12 + exponent;
  if (is_power && left >= 0 && left <= largest_exact_shift) return {3 << left, 0};
  double multiplier = static_cast<double>(scale) * 4096 * 3;
  int shift = 0;
  while (multiplier <= 32767.0 / 2 && shift <= 30) {
    ++shift;
    multiplier *= 2;
  }
  return {static_cast<int32_t>(multiplier), shift};
}

// The table at |x| / 2^fraction_bits, that many bits of fraction left in the result.
uint32_t Interpolate(uint32_t magnitude, int fraction_bits, uint32_t saturated) {
  const uint32_t index = magnitude >> fraction_bits;
  if (index >= 255) return saturated;
  const uint32_t low = Sigmoids()[index];
  const uint32_t high = Sigmoids()[index + 1];
  return (low << fraction_bits) + (magnitude & ((1U << fraction_bits) - 1)) * (high - low);
}

int16_t Sigmoid16(int32_t x) {
  const uint32_t magnitude = static_cast<uint32_t>(std::abs(x));
  const uint32_t right = Interpolate(magnitude, 9, 0x7FFFU << 10);
  const uint32_t result = x >= 0 ? right + (1U << 9) : (1U << 25) - right + (1U << 9) - 1;
  return static_cast<int16_t>(result >> 10);
}

int16_t Tanh16(int32_t x) {
  const uint32_t magnitude = static_cast<uint32_t>(std::abs(x));
  const auto right = static_cast<int32_t>(Interpolate(magnitude, 8, 0xFFFFU << 8));
  constexpr int32_t kHalf = 1 << 23;
  constexpr int32_t kNudge = 1 << 7;
  const int32_t result = x >= 0 ? right - kHalf + kNudge : -right + kHalf + kNudge - 1;
  return static_cast<int16_t>(result >> 8);
}

Status Run16(RunContext& context, int largest_exact_shift, int16_t (*f)(int32_t)) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const InputScaling scaling = ScalingOf(context.in_quant(0)->scales[0], largest_exact_shift);
  for (int64_t i = 0; i < x.count(); ++i) y.as<int16_t>()[i] = f(scaling.Apply(x.as<int16_t>()[i]));
  return Status::Ok();
}

bool Is16(const RunContext& context) {
  return context.in(0).dtype() == DType::kI16 && context.out(0).dtype() == DType::kI16;
}

}  // namespace

Status RunQuantizedSigmoid(RunContext& context) {
  if (Is16(context)) return Run16(context, 0, Sigmoid16);
  return RunTable(context, [](float x) { return 1.0F / (1.0F + std::exp(-x)); });
}

Status RunQuantizedTanh(RunContext& context) {
  if (Is16(context)) return Run16(context, 1, Tanh16);
  return RunTable(context, [](float x) { return std::tanh(x); });
}

}  // namespace slipway
