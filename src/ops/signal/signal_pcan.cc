// Automatic gain control per channel, in fixed point: TensorFlow Lite Micro's SignalPCAN.
//
// Source: Wang et al., "Trainable frontend for robust and far-field keyword spotting" (2017). The gain of a
// noise level comes from a table: per power of two a parabola of three coefficients.
#include "ops/signal/micro.h"

namespace slipway {
namespace {

constexpr int kRatioBits = 12;       // behind the point of signal / noise
constexpr int kResultBits = 6;       // and of the result
constexpr int64_t kTableSize = 125;  // 4 entries for each of 32 powers of two, less what small numbers lack

Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "snr_shift", 0, 63));
  return InferSameAsInput(context);
}

// table: [gain at the power, linear, quadratic, unused] per power of two, from the second on.
int16_t GainOf(uint32_t noise, const int16_t* table) {
  if (noise <= 2) return table[noise];
  const int power = BitLength(noise);
  const int16_t* entry = table + 4 * power - 6;
  const int32_t place =
      static_cast<int32_t>(power < 11 ? noise << (11 - power) : noise >> (power - 11)) & 0x3FF;
  int32_t value = (entry[2] * place) >> 5;
  value =
      static_cast<int32_t>(static_cast<uint32_t>(value) + (static_cast<uint32_t>(int32_t{entry[1]}) << 5));
  value = static_cast<int32_t>(static_cast<uint32_t>(value) * static_cast<uint32_t>(place));
  value = static_cast<int32_t>(static_cast<uint32_t>(value) + (1U << 14)) >> 15;
  return static_cast<int16_t>(value + entry[0]);
}

// x^2 / 4 below 2, x - 1 from there.
uint32_t Shrink(uint32_t x) {
  if (x < 2U << kRatioBits) return (x * x) >> (2 + 2 * kRatioBits - kResultBits);
  return (x >> (kRatioBits - kResultBits)) - (1U << kResultBits);
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& noise = context.in(1);
  const Tensor& table = context.in(2);
  Tensor& y = context.out(0);
  if (noise.count() != x.count() || table.count() < kTableSize)
    return context.Error("x is " + Describe(x) + ", the noise " + Describe(noise) + ", the table " +
                         Describe(table) + "; it needs " + std::to_string(kTableSize) + " entries");
  for (int64_t i = 0; i < x.count(); ++i) {
    const auto gain = static_cast<uint32_t>(int32_t{GainOf(noise.as<uint32_t>()[i], table.as<int16_t>())});
    const uint64_t ratio = (uint64_t{x.as<uint32_t>()[i]} * gain) >> context.attrs().Int("snr_shift");
    y.as<uint32_t>()[i] = Shrink(static_cast<uint32_t>(ratio));
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalPcan() {
  OpDef op;
  op.name = "SignalPcan";
  op.group = "signal";
  op.summary = "Bands over their noise, compressed: automatic gain control in fixed point.";
  op.formula = "y = shrink((x gain(noise)) >> snr_shift), shrink(r) = r^2 / 4 below 2, else r - 1";
  op.inputs = {{"x", {DType::kU32}, "[channels]"},
               {"noise", {DType::kU32}, "[channels]"},
               {"gain_lut", {DType::kI16}, "[125]: parabolas of the gain, by powers of two"}};
  op.outputs = {{"y", {DType::kU32}, "[channels]"}};
  op.attrs = {IntAttr("snr_shift", 0, "bits to shift signal times gain right")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"gains",
                                  {{.dtype = DType::kU32, .dims = {8}, .low = 0, .high = 60000},
                                   {.dtype = DType::kU32, .dims = {8}, .low = 0, .high = 60000000},
                                   {.dtype = DType::kI16, .dims = {125}, .low = -300, .high = 32767}},
                                  {{"snr_shift", int64_t{6}}}}};
  };
  op.foreign = {{Format::kTflite, "SignalPCAN"}};
  return op;
}

}  // namespace slipway
