// Short-time Fourier transform: the spectra of overlapping windowed frames.
//
// Source: ONNX STFT-17. Frames that would reach beyond the signal's end are not taken.
#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/signal/fourier.h"

namespace slipway {
namespace {

Dim FrameLength(const InferContext& context) {
  if (context.HasInput(3)) {
    const auto length = context.content(3);
    return length && length->size() == 1 ? (*length)[0] : Dim();
  }
  if (context.HasInput(2))
    return context.shape(2) && context.shape(2)->size() == 1 ? (*context.shape(2))[0] : Dim();
  return context.shape(0) ? (*context.shape(0))[1] : Dim();
}

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  const bool is_onesided = context.attrs().Int("onesided") != 0;
  if (x && x->size() != 3) return context.Error("x is " + ToString(*x) + "; it must be [N,length,1 or 2]");
  if (x && (*x)[2].IsKnown() && (*x)[2].value() != 1 && (is_onesided || (*x)[2].value() != 2)) {
    return context.Error("x is " + ToString(*x) + "; its last axis must be 1 (real) or 2 (complex)",
                         is_onesided ? "complex signals have no half spectrum: set onesided to 0" : "");
  }
  const Dim length = FrameLength(context);
  const auto step = context.ints(1);
  Dim frames;
  if (x && step && step->size() == 1) {
    if ((*step)[0] < 1)
      return context.Error("frame_step is " + std::to_string((*step)[0]) + "; it must be 1 or more");
    frames = FloorDiv((*x)[1] - length, (*step)[0]) + 1;
  }
  if (length.IsKnown() && x && (*x)[1].IsKnown() &&
      (length.value() < 1 || length.value() > (*x)[1].value())) {
    return context.Error("frames have " + length.ToString() + " samples, the signal " + (*x)[1].ToString());
  }
  const Dim bins = is_onesided ? FloorDiv(length, 2) + 1 : length;
  context.SetOutput(0, context.dtype(0), {x ? (*x)[0] : Dim(), frames, bins, 2});
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& steps = context.in(1);
  const Tensor window = context.HasInput(2) ? context.in(2) : Tensor();
  if (steps.count() != 1) return context.Error("frame_step must be one number");
  const int64_t step = LoadInt(steps.dtype(), steps.data(), 0);
  int64_t length = window.IsNone() ? x.dim(1) : window.count();
  if (context.HasInput(3)) {
    const Tensor& asked = context.in(3);
    if (asked.count() != 1) return context.Error("frame_length must be one number");
    length = LoadInt(asked.dtype(), asked.data(), 0);
  }
  if (step < 1 || length < 1 || length > x.dim(1)) {
    return context.Error("frames of " + std::to_string(length) + " samples every " + std::to_string(step) +
                         " do not fit into " + Describe(x));
  }
  if (!window.IsNone() && window.count() != length)
    return context.Error("the window has " + std::to_string(window.count()) + " samples, a frame " +
                         std::to_string(length));
  const int64_t frames = (x.dim(1) - length) / step + 1;
  const int64_t bins = context.attrs().Int("onesided") != 0 ? length / 2 + 1 : length;
  Tensor& y = context.AllocateOutput(0, {x.dim(0), frames, bins, 2});
  const int64_t parts = x.dim(2);
  for (int64_t row = 0; row < x.dim(0) * frames; ++row) {
    const int64_t first = row / frames * x.dim(1) + row % frames * step;
    std::vector<std::complex<double>> values(static_cast<size_t>(length));
    for (int64_t k = 0; k < length; ++k) {
      const double weight = window.IsNone() ? 1 : LoadReal(window.dtype(), window.data(), k);
      const int64_t at = (first + k) * parts;
      values[static_cast<size_t>(k)] = {weight * LoadReal(x.dtype(), x.data(), at),
                                        parts == 2 ? weight * LoadReal(x.dtype(), x.data(), at + 1) : 0};
    }
    Fourier(values, FourierDirection::kForward);
    for (int64_t k = 0; k < bins; ++k) {
      StoreReal(y.dtype(), y.data(), (row * bins + k) * 2, values[static_cast<size_t>(k)].real());
      StoreReal(y.dtype(), y.data(), (row * bins + k) * 2 + 1, values[static_cast<size_t>(k)].imag());
    }
  }
  return Status::Ok();
}

std::vector<TestCase> Cases() {
  const auto number = [](double value) {
    return TestInput{.dtype = DType::kI64, .dims = {}, .values = {value}, .is_constant = true};
  };
  const TestInput absent{.is_absent = true};
  const TestInput signal{.dims = {2, 50, 1}};
  return {{"window", {signal, number(8), {.dims = {16}, .low = 0, .high = 1}}, {}},
          {"length", {signal, number(7), absent, number(15)}, {}},
          {"all",
           {signal, number(5), {.dims = {12}, .low = 0, .high = 1}, number(12)},
           {{"onesided", int64_t{0}}}},
          {"complex", {{.dims = {1, 30, 2}}, number(10), absent, number(10)}, {{"onesided", int64_t{0}}}}};
}

}  // namespace

OpDef MakeSTFT() {
  OpDef op;
  op.name = "STFT";
  op.group = "signal";
  op.summary = "Fourier transforms of overlapping frames of a signal, each weighted by a window.";
  op.formula = "y[n,f] = DFT(window * x[n, f step : f step + length])";
  op.inputs = {{"x", kFloats, "[N,length,1] real or [N,length,2] complex"},
               {"frame_step", kIndices, "one number: samples from frame to frame"},
               {"window", kFloats, "[frame_length]; ones when left out", Arity::kOptional},
               {"frame_length", kIndices, "one number; the window's, else the signal's length when left out",
                Arity::kOptional}};
  op.outputs = {{"y", kFloats, "[N,frames,bins,2]"}};
  op.attrs = {IntAttr("onesided", 1, "1: only the first length/2 + 1 bins, real signals only")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 5 * context.CountOfOutput(0); };
  op.cases = Cases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "STFT", 17}};
  return op;
}

}  // namespace slipway
