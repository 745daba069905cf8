// Spectra of overlapping frames under Hann's window, as TensorFlow's AudioSpectrogram computes them.
#include <bit>
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/signal/fourier.h"

namespace slipway {
namespace {

constexpr int64_t kMaxWindow = 1 << 24;

Status Infer(InferContext& context) {
  const int64_t window = context.attrs().Int("window_size");
  const int64_t stride = context.attrs().Int("stride");
  if (window < 2 || window > kMaxWindow || stride < 1)
    return context.Error("window_size is " + std::to_string(window) + ", stride " + std::to_string(stride) +
                         "; they must be 2 or more, and 1 or more");
  const auto& x = context.shape(0);
  if (x && x->size() != 2) return context.Error("x is " + ToString(*x) + "; it must be [samples,channels]");
  Dim frames;
  if (x && (*x)[0].IsKnown()) {
    const int64_t samples = (*x)[0].value();
    frames = samples < window ? 0 : 1 + (samples - window) / stride;
  }
  const auto length = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(window)));
  context.SetOutput(0, DType::kF32, {x ? (*x)[1] : Dim(), frames, length / 2 + 1});
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const auto window = static_cast<size_t>(context.attrs().Int("window_size"));
  const int64_t stride = context.attrs().Int("stride");
  const bool is_squared = context.attrs().Int("magnitude_squared") != 0;
  const int64_t channels = y.dim(0);
  const int64_t frames = y.dim(1);
  const int64_t bins = y.dim(2);
  for (int64_t row = 0; row < channels * frames; ++row) {
    const int64_t channel = row / frames;
    const int64_t start = row % frames * stride;
    std::vector<std::complex<double>> values(static_cast<size_t>(bins - 1) * 2);
    for (size_t i = 0; i < window; ++i) {
      const double weight =
          0.5 - 0.5 * std::cos(2 * M_PI * static_cast<double>(i) / static_cast<double>(window));
      values[i] = weight * double{x.as<float>()[(start + static_cast<int64_t>(i)) * channels + channel]};
    }
    Fourier(values, FourierDirection::kForward);
    for (int64_t k = 0; k < bins; ++k) {
      const double energy = std::norm(values[static_cast<size_t>(k)]);
      y.as<float>()[row * bins + k] = static_cast<float>(is_squared ? energy : std::sqrt(energy));
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeAudioSpectrogram() {
  OpDef op;
  op.name = "AudioSpectrogram";
  op.group = "signal";
  op.summary =
      "Magnitudes of the spectra of frames under Hann's window, filled with zeros to a power of two.";
  op.inputs = {{"x", {DType::kF32}, "[samples,channels]"}};
  op.outputs = {{"y", {DType::kF32}, "[channels,frames,values]: half the spectrum of each frame"}};
  op.attrs = {Required(IntAttr("window_size", 0, "samples of a frame")),
              Required(IntAttr("stride", 0, "samples from a frame to the next")),
              IntAttr("magnitude_squared", 0, "1: squares of the magnitudes")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 40 * context.CountOfOutput(0); };
  op.cases = [] {
    const Attrs squared = {
        {"window_size", int64_t{24}}, {"stride", int64_t{8}}, {"magnitude_squared", int64_t{1}}};
    const Attrs plain = {{"window_size", int64_t{16}}, {"stride", int64_t{20}}};
    return std::vector<TestCase>{{"squared", {{.dims = {100, 2}}}, squared},
                                 {"plain", {{.dims = {50, 1}}}, plain}};
  };
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTflite, "AudioSpectrogram"}, {Format::kTensorflow, "AudioSpectrogram"}};
  return op;
}

}  // namespace slipway
