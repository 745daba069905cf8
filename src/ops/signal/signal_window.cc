// A frame of samples under a window, in fixed point: TensorFlow Lite Micro's SignalWindow.
#include <algorithm>

#include "ops/signal/micro.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "shift", 0, 31));
  const auto& x = context.shape(0);
  const auto& window = context.shape(1);
  const bool are_known =
      x && !x->empty() && window && window->size() == 1 && x->back().IsKnown() && (*window)[0].IsKnown();
  if ((x && x->empty()) || (are_known && x->back().value() != (*window)[0].value()))
    return context.Error("x is " + ToString(*x) + ", the window " + ToString(*window));
  return InferAs(context, DType::kI16);
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& window = context.in(1);
  Tensor& y = context.out(0);
  const auto shift = static_cast<int>(context.attrs().Int("shift"));
  if (window.count() != x.dim(-1))
    return context.Error("x is " + Describe(x) + ", the window " + Describe(window));
  for (int64_t i = 0; i < x.count(); ++i) {
    const int32_t product = int32_t{x.as<int16_t>()[i]} * window.as<int16_t>()[i % window.count()];
    y.as<int16_t>()[i] = static_cast<int16_t>(std::clamp(product >> shift, INT16_MIN, INT16_MAX));
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalWindow() {
  OpDef op;
  op.name = "SignalWindow";
  op.group = "signal";
  op.summary = "Samples times a window, in fixed point.";
  op.formula = "y[...,i] = saturate((x[...,i] window[i]) >> shift)";
  op.inputs = {{"x", {DType::kI16}, "[...,frame]"}, {"window", {DType::kI16}, "[frame]"}};
  op.outputs = {{"y", {DType::kI16}, "the shape of x"}};
  op.attrs = {IntAttr("shift", 0, "bits of the window behind its point")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const TestInput x{.dtype = DType::kI16, .dims = {3, 17}, .low = -32768, .high = 32767};
    const TestInput window{.dtype = DType::kI16, .dims = {17}, .low = 0, .high = 4096};
    return std::vector<TestCase>{{"q12", {x, window}, {{"shift", int64_t{12}}}},
                                 {"saturates", {x, window}, {{"shift", int64_t{4}}}}};
  };
  op.foreign = {{Format::kTflite, "SignalWindow"}};
  return op;
}

}  // namespace slipway
