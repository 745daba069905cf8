// Scales a frame up by the power of two that leaves it the most bits: TensorFlow Lite Micro's
// SignalFftAutoScale.
#include <algorithm>

#include "ops/signal/micro.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (context.HasOutput(1)) context.SetOutput(1, DType::kI32, {});
  return InferAs(context, DType::kI16);
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  int32_t largest = 0;
  for (const int16_t value : x.values<int16_t>()) largest = std::max(largest, std::abs(int32_t{value}));
  // -32768 counts as 32767.
  const int used = BitLength(static_cast<uint32_t>(std::min<int32_t>(largest, INT16_MAX)));
  const int scale = std::max(15 - used, 0);
  for (int64_t i = 0; i < x.count(); ++i)
    y.as<int16_t>()[i] = static_cast<int16_t>(x.as<int16_t>()[i] * (1 << scale));
  if (context.HasOutput(1)) context.out(1).as<int32_t>()[0] = scale;
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalFftAutoScale() {
  OpDef op;
  op.name = "SignalFftAutoScale";
  op.group = "signal";
  op.summary = "Samples shifted left as far as the largest allows, and by how many bits.";
  op.formula = "y = x 2^scale_bits, scale_bits = 15 - the bits of max |x|";
  op.inputs = {{"x", {DType::kI16}, "[frame]"}};
  op.outputs = {{"y", {DType::kI16}, "the shape of x"},
                {"scale_bits", {DType::kI32}, "a scalar", Arity::kOptional}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    TestCase quiet{"quiet", {{.dtype = DType::kI16, .dims = {33}, .low = -300, .high = 300}}, {}};
    quiet.num_outputs = 2;
    return std::vector<TestCase>{quiet};
  };
  op.foreign = {{Format::kTflite, "SignalFftAutoScale"}};
  return op;
}

}  // namespace slipway
