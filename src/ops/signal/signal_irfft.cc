// The signal of a half spectrum, pairs of numbers: TensorFlow Lite Micro's SignalIrfft.
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
  if (shape.empty() || (shape.back().IsKnown() && shape.back().value() != length + 2))
    return context.Error("x is " + ToString(shape) + "; half a spectrum of fft_length " +
                         std::to_string(length) + " has " + std::to_string(length + 2) + " numbers");
  shape.back() = length;
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

template <class T>
std::vector<T> Signal(std::span<const T> pairs) {
  std::vector<FixedComplex<T>> spectrum(pairs.size() / 2);
  for (size_t k = 0; k < spectrum.size(); ++k) spectrum[k] = {pairs[2 * k], pairs[2 * k + 1]};
  return FixedRealFourierInverse(std::span<const FixedComplex<T>>(spectrum));
}

// The imaginary parts of the first and the last value, which no real signal has, count for nothing.
template <>
std::vector<float> Signal(std::span<const float> pairs) {
  const size_t length = pairs.size() - 2;
  std::vector<std::complex<double>> row(length);
  row[0] = pairs[0];
  row[length / 2] = pairs[length];
  for (size_t k = 1; k < length / 2; ++k) {
    row[k] = {pairs[2 * k], pairs[2 * k + 1]};
    row[length - k] = std::conj(row[k]);
  }
  Fourier(row, FourierDirection::kInverse);
  std::vector<float> signal;
  for (const std::complex<double>& value : row)
    signal.push_back(static_cast<float>(value.real() / static_cast<double>(length)));
  return signal;
}

template <class T>
void Run(const RunContext& context) {
  const std::span<const T> x = context.in(0).values<T>();
  const std::span<T> y = context.out(0).values<T>();
  const auto length = static_cast<size_t>(context.attrs().Int("fft_length"));
  for (size_t n = 0; n < y.size() / length; ++n) {
    const std::vector<T> signal = Signal<T>(x.subspan(n * (length + 2), length + 2));
    std::copy(signal.begin(), signal.end(), y.begin() + static_cast<int64_t>(n * length));
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

OpDef MakeSignalIrfft() {
  const DTypeSet types = {DType::kI16, DType::kI32, DType::kF32};
  OpDef op;
  op.name = "SignalIrfft";
  op.group = "signal";
  op.summary = "The signal of each half spectrum, in which real and imaginary parts alternate.";
  op.inputs = {{"x", types, "[...,fft_length + 2]"}};
  op.outputs = {{"y", types, "[...,fft_length]"}};
  op.attrs = {Required(IntAttr("fft_length", 0, "even, of factors 2, 3 and 5"))};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 20 * context.CountOfOutput(0); };
  op.cases = [] {
    std::vector<TestCase> cases;
    for (int64_t length : {8, 60})
      cases.push_back({"q15_" + std::to_string(length),
                       {{.dtype = DType::kI16, .dims = {2, length + 2}, .low = -32768, .high = 32767}},
                       {{"fft_length", length}}});
    cases.push_back({"f32", {{.dims = {2, 18}}}, {{"fft_length", int64_t{16}}}});
    return cases;
  };
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTflite, "SignalIrfft"}};
  return op;
}

}  // namespace slipway
