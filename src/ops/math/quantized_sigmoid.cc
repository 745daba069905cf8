// Sigmoid and Tanh of quantised integers: 8-bit by table over all inputs, 16-bit by one table of the sigmoid
// on [0, 10.7) in steps of 1/24, interpolated; tanh(x) = 2 * sigmoid(2x) - 1.
#include <array>
#include <cmath>

#include "ops/math/quantized.h"
#include "ops/math/quantized_parts.h"

namespace slipway {
namespace {

// 65536 / (1 + e^(-i / 24)), rounded, some entries lifted by up to 2 against the error of interpolation:
// LiteRT's numbers, read off its Tanh kernel.
constexpr std::array<uint16_t, 256> kSigmoids = {
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794, 41432, 42064,
    42688, 43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443, 48964, 49475, 49975, 50464,
    50942, 51409, 51865, 52311, 52745, 53169, 53581, 53983, 54374, 54755, 55125, 55485, 55834, 56174, 56503,
    56823, 57133, 57433, 57724, 58007, 58280, 58544, 58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370,
    60565, 60753, 60935, 61110, 61279, 61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666,
    62778, 62886, 62990, 63090, 63186, 63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968,
    64030, 64090, 64148, 64204, 64257, 64308, 64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652, 64687,
    64721, 64754, 64786, 64816, 64845, 64873, 64900, 64926, 64950, 64974, 64997, 65019, 65039, 65060, 65079,
    65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208, 65221, 65234, 65246, 65258, 65269, 65280, 65291,
    65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360, 65367, 65374, 65381, 65387, 65393, 65399, 65404,
    65410, 65415, 65420, 65425, 65429, 65433, 65438, 65442, 65445, 65449, 65453, 65456, 65459, 65462, 65465,
    65468, 65471, 65474, 65476, 65479, 65481, 65483, 65485, 65488, 65489, 65491, 65493, 65495, 65497, 65498,
    65500, 65501, 65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513, 65514, 65515, 65516,
    65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524, 65525, 65525,
    65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529, 65529, 65530, 65530, 65530,
    65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532, 65532, 65532, 65532, 65533, 65533, 65533,
    65533, 65533, 65533, 65533, 65533, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534,
    65535};

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
  const uint32_t low = kSigmoids[index];
  const uint32_t high = kSigmoids[index + 1];
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
  const Quant& out = *context.out_quant(0);
  if (out.zero_points[0] != 0 || std::abs(out.scales[0] * 32768 - 1) > 1e-3F)
    return context.Error("a 16-bit output must have scale 1/32768 and zero point 0");
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
