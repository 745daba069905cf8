// Natural logarithms in fixed point: TensorFlow Lite Micro's SignalFilterBankLog.
//
// log2 is the place of the highest bit and, below it, a table of 128 segments with straight lines between.
#include <algorithm>
#include <array>
#include <cmath>

#include "ops/signal/micro.h"

namespace slipway {
namespace {

constexpr int kPoint = 16;  // bits behind the point
constexpr int kSegmentBits = 7;
constexpr uint64_t kLogOfTwo = 45426;           // ln 2
constexpr uint32_t kHalf = 1U << (kPoint - 1);  // rounds

// log2(1 + x) - x at the segments' ends, x of 0 to 1.
const std::array<int32_t, (1 << kSegmentBits) + 1>& Bulge() {
  static const auto table = [] {
    std::array<int32_t, (1 << kSegmentBits) + 1> values{};
    for (size_t i = 0; i < values.size(); ++i) {
      const double x = static_cast<double>(i) / (1 << kSegmentBits);
      values[i] = static_cast<int32_t>(std::lround((std::log2(1 + x) - x) * (1 << kPoint)));
    }
    return values;
  }();
  return table;
}

// x: 1 or more.
uint32_t ScaledLog(uint32_t x, uint32_t scale) {
  const int power = BitLength(x) - 1;
  const auto above = static_cast<int32_t>(x - (1U << power));
  const int32_t fraction = power < kPoint ? above << (kPoint - power) : above >> (power - kPoint);
  const auto segment = static_cast<size_t>(fraction >> (kPoint - kSegmentBits));
  const int32_t low = Bulge()[segment];
  const int32_t within = fraction - (static_cast<int32_t>(segment) << (kPoint - kSegmentBits));
  const int32_t bulge = low + (((Bulge()[segment + 1] - low) * within) >> kPoint);
  const uint32_t log2 = (static_cast<uint32_t>(power) << kPoint) + static_cast<uint32_t>(fraction + bulge);
  const auto log = static_cast<uint32_t>((kLogOfTwo * log2 + kHalf) >> kPoint);
  return (scale * log + kHalf) >> kPoint;
}

Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "input_correction_bits", 0, 31));
  return InferAs(context, DType::kI16);
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const auto correction = static_cast<int>(context.attrs().Int("input_correction_bits"));
  const auto scale = static_cast<uint32_t>(context.attrs().Int("output_scale"));
  for (int64_t i = 0; i < x.count(); ++i) {
    const uint32_t value = x.as<uint32_t>()[i] << correction;
    const uint32_t log = value > 1 ? ScaledLog(value, scale) : 0;
    y.as<int16_t>()[i] = static_cast<int16_t>(std::min<uint32_t>(log, INT16_MAX));
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalFilterBankLog() {
  OpDef op;
  op.name = "SignalFilterBankLog";
  op.group = "signal";
  op.summary = "Natural logarithms of integers, in fixed point; 0 of 0 and 1.";
  op.formula = "y = min(output_scale ln(x 2^input_correction_bits), 32767)";
  op.inputs = {{"x", {DType::kU32}, "any shape"}};
  op.outputs = {{"y", {DType::kI16}, "the shape of x"}};
  op.attrs = {IntAttr("output_scale", 1, "what ln is multiplied by"),
              IntAttr("input_correction_bits", 0, "bits to shift x left; what leaves 32 bits is lost")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"logs",
                                  {{.dtype = DType::kU32, .dims = {33}, .low = 0, .high = 100000000}},
                                  {{"output_scale", int64_t{64}}, {"input_correction_bits", int64_t{3}}}}};
  };
  op.foreign = {{Format::kTflite, "SignalFilterBankLog"}};
  return op;
}

}  // namespace slipway
