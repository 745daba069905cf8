// Subtracts a running estimate of the noise from each band: TensorFlow Lite Micro's
// SignalFilterBankSpectralSubtraction. What it keeps from frame to frame is an operand and a result here.
#include "ops/signal/micro.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "smoothing_bits", 0, 31));
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "spectral_subtraction_bits", 0, 31));
  const auto& x = context.shape(0);
  const auto& noise = context.shape(1);
  const bool are_static =
      x && noise && x->size() == 1 && noise->size() == 1 && (*x)[0].IsKnown() && (*noise)[0].IsKnown();
  if (are_static && (*x)[0].value() != (*noise)[0].value())
    return context.Error("x is " + ToString(*x) + ", the noise of the last frame " + ToString(*noise));
  if (context.HasOutput(1)) context.SetOutput(1, context.input(0));
  return InferSameAsInput(context);
}

struct Smoothing {
  uint64_t now, before;
};

Status Reference(RunContext& context) {
  const Attrs& attrs = context.attrs();
  const Tensor& x = context.in(0);
  const Tensor& before = context.in(1);
  if (before.count() != x.count())
    return context.Error("x is " + Describe(x) + ", the noise of the last frame " + Describe(before));
  Tensor& y = context.out(0);
  const auto number = [&](const char* name) {
    return static_cast<uint64_t>(static_cast<uint32_t>(attrs.Int(name)));
  };
  const Smoothing of_even{number("smoothing"), number("one_minus_smoothing")};
  const Smoothing of_odd{number("alternate_smoothing"), number("alternate_one_minus_smoothing")};
  const auto extra = static_cast<int>(attrs.Int("smoothing_bits"));
  const auto point = static_cast<int>(attrs.Int("spectral_subtraction_bits"));
  for (int64_t i = 0; i < x.count(); ++i) {
    const Smoothing& smoothing = i % 2 == 0 ? of_even : of_odd;
    const uint32_t signal = x.as<uint32_t>()[i] << extra;
    auto noise = static_cast<uint32_t>(
        (signal * smoothing.now + before.as<uint32_t>()[i] * smoothing.before) >> point);
    const uint32_t removed = std::min(noise, signal);
    if (attrs.Int("clamping") != 0) noise = removed;
    const auto least = static_cast<uint32_t>((x.as<uint32_t>()[i] * number("min_signal_remaining")) >> point);
    y.as<uint32_t>()[i] = std::max((signal - removed) >> extra, least);
    if (context.HasOutput(1)) context.out(1).as<uint32_t>()[i] = noise;
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalSpectralSubtraction() {
  const DTypeSet u32 = {DType::kU32};
  OpDef op;
  op.name = "SignalSpectralSubtraction";
  op.group = "signal";
  op.summary = "Each band without its noise, which is estimated by a low-pass filter over the frames.";
  op.formula =
      "noise' = smoothing x + one_minus_smoothing noise; y = max(x - noise', min_signal_remaining x)";
  op.inputs = {{"x", u32, "[channels]"},
               {"noise", u32, "[channels]: the estimate of the frame before, with smoothing_bits more bits"}};
  op.outputs = {{"y", u32, "[channels]"}, {"noise", u32, "[channels]: the estimate now", Arity::kOptional}};
  op.attrs = {IntAttr("smoothing", 0, "of even bands, with spectral_subtraction_bits behind the point"),
              IntAttr("one_minus_smoothing", 0, "of even bands"),
              IntAttr("alternate_smoothing", 0, "of odd bands"),
              IntAttr("alternate_one_minus_smoothing", 0, "of odd bands"),
              IntAttr("smoothing_bits", 0, "more bits of the estimate"),
              IntAttr("spectral_subtraction_bits", 0, "bits behind the point of the fractions"),
              IntAttr("min_signal_remaining", 0, "the part of x that always stays"),
              IntAttr("clamping", 0, "1: the estimate never exceeds the signal")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    TestCase two{"two",
                 {{.dtype = DType::kU32, .dims = {7}, .low = 0, .high = 60000},
                  {.dtype = DType::kU32, .dims = {7}, .low = 0, .high = 60000000}},
                 {{"smoothing", int64_t{409}},
                  {"one_minus_smoothing", int64_t{15975}},
                  {"alternate_smoothing", int64_t{983}},
                  {"alternate_one_minus_smoothing", int64_t{15401}},
                  {"smoothing_bits", int64_t{10}},
                  {"spectral_subtraction_bits", int64_t{14}},
                  {"min_signal_remaining", int64_t{819}}}};
    two.num_outputs = 2;
    return std::vector<TestCase>{two};
  };
  op.foreign = {{Format::kTflite, "SignalFilterBankSpectralSubtraction"}};
  return op;
}

}  // namespace slipway
