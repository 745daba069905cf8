// The half spectrum of a frame as pairs of numbers, on integers in fixed point: TensorFlow Lite Micro's
// SignalRfft.
#include "ops/signal/fixed_fourier.h"
#include "ops/signal/fourier.h"
#include "ops/signal/micro.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckFourierLength(context));
  const int64_t length = context.attrs().Int("fft_length");
  if (!context.shape(0)) return InferAs(context, context.dtype(0));
  DimList shape = *context.shape(0);
  if (shape.empty() || (shape.back().IsKnown() && shape.back().value() > length))
    return context.Error("x is " + ToString(shape) + ", longer than fft_length " + std::to_string(length));
  shape.back() = length + 2;
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

template <class T>
std::vector<T> Spectrum(std::span<const T> frame) {
  std::vector<T> pairs;
  for (const FixedComplex<T>& value : FixedRealFourier(frame)) {
    pairs.push_back(value.real);
    pairs.push_back(value.imag);
  }
  return pairs;
}

template <>
std::vector<float> Spectrum(std::span<const float> frame) {
  std::vector<std::complex<double>> row(frame.begin(), frame.end());
  Fourier(row, FourierDirection::kForward);
  std::vector<float> pairs;
  for (size_t k = 0; k <= frame.size() / 2; ++k) {
    pairs.push_back(static_cast<float>(row[k].real()));
    pairs.push_back(static_cast<float>(row[k].imag()));
  }
  return pairs;
}

template <class T>
void Run(const RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const auto length = static_cast<size_t>(context.attrs().Int("fft_length"));
  const int64_t given = x.dim(-1);
  for (int64_t n = 0; n < y.count() / y.dim(-1); ++n) {
    std::vector<T> frame(x.as<T>() + n * given, x.as<T>() + (n + 1) * given);
    frame.resize(length, 0);
    const std::vector<T> spectrum = Spectrum<T>(frame);
    std::copy(spectrum.begin(), spectrum.end(), y.as<T>() + n * y.dim(-1));
  }
}

Status Reference(RunContext& context) {
  switch (context.in(0).dtype()) {
    case DType::kI16: Run<int16_t>(context); break;
    case DType::kI32: Run<int32_t>(context); break;
    default: Run<float>(context);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalRfft() {
  const DTypeSet types = {DType::kI16, DType::kI32, DType::kF32};
  OpDef op;
  op.name = "SignalRfft";
  op.group = "signal";
  op.summary =
      "Half the spectrum of each frame, filled with zeros to the length; real and imaginary parts alternate. "
      "On integers it is divided by the length.";
  op.inputs = {{"x", types, "[...,frame]"}};
  op.outputs = {{"y", types, "[...,fft_length + 2]"}};
  op.attrs = {Required(IntAttr("fft_length", 0, "even, at least the frame, of factors 2, 3 and 5"))};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 20 * context.CountOfOutput(0); };
  op.cases = [] {
    std::vector<TestCase> cases;
    for (int64_t length : {8, 64, 128, 60, 30})
      cases.push_back({"q15_" + std::to_string(length),
                       {{.dtype = DType::kI16, .dims = {2, length - 3}, .low = -32768, .high = 32767}},
                       {{"fft_length", length}}});
    cases.push_back({"f32", {{.dims = {2, 13}}}, {{"fft_length", int64_t{16}}}});
    return cases;
  };
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTflite, "SignalRfft"}};
  return op;
}

}  // namespace slipway
