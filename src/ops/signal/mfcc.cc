// Mel-frequency cepstral coefficients of energy spectra, as TensorFlow's Mfcc computes them.
//
// Source: Davis and Mermelstein (1980). Triangular bands, evenly spaced in mel, each frequency shared between
// two; logarithms of what they gather, and the first coefficients of the cosine transform of these.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

constexpr double kLeastBand = 1e-12;  // before the logarithm
constexpr int64_t kMaxChannels = 1 << 16;

double MelOf(double frequency) { return 1127 * std::log1p(frequency / 700); }

Status Infer(InferContext& context) {
  const Attrs& attrs = context.attrs();
  const int64_t channels = attrs.Int("filterbank_channel_count");
  const int64_t coefficients = attrs.Int("dct_coefficient_count");
  const float low = attrs.Float("lower_frequency_limit");
  const float high = attrs.Float("upper_frequency_limit");
  if (channels < 1 || channels > kMaxChannels || coefficients < 1 || coefficients > channels)
    return context.Error("asks for " + std::to_string(coefficients) + " coefficients of " +
                         std::to_string(channels) + " bands");
  if (!(low >= 0 && high > low))
    return context.Error("frequencies go from " + std::to_string(low) + " to " + std::to_string(high));
  const auto& x = context.shape(0);
  if (x && (x->size() != 3 || (x->back().IsKnown() && x->back().value() < 2)))
    return context.Error("the spectrogram is " + ToString(*x) +
                         "; it must be [channels,frames,2 or more values]");
  context.SetOutput(0, DType::kF32, {x ? (*x)[0] : Dim(), x ? (*x)[1] : Dim(), coefficients});
  return Status::Ok();
}

// The bands: the middles of all and one more, and how wide a value of the spectrum is.
class MelBands {
 public:
  MelBands(const Attrs& attrs, double width, int64_t values)
      : width_(width), low_(MelOf(double{attrs.Float("lower_frequency_limit")})) {
    const double low = attrs.Float("lower_frequency_limit");
    const double high = attrs.Float("upper_frequency_limit");
    const int64_t count = attrs.Int("filterbank_channel_count");
    const double step = (MelOf(high) - low_) / static_cast<double>(count + 1);
    for (int64_t i = 0; i <= count; ++i) middles_.push_back(low_ + step * static_cast<double>(i + 1));
    first_ = static_cast<int64_t>(std::min(1.5 + low / width, static_cast<double>(values)));
    last_ = std::min(static_cast<int64_t>(std::min(high / width, static_cast<double>(values))), values - 1);
  }

  // energies: one spectrum.
  std::vector<double> Gather(const float* energies) const {
    const size_t count = middles_.size() - 1;
    std::vector<double> bands(count, 0.0);
    for (int64_t i = first_; i <= last_; ++i) {
      const double mel = MelOf(static_cast<double>(i) * width_);
      size_t above = 0;  // the first band whose middle is not below
      while (above < count && middles_[above] < mel) ++above;
      const double from = above == 0 ? low_ : middles_[above - 1];
      const double share = (middles_[above] - mel) / (middles_[above] - from);  // of the band below
      const double magnitude = std::sqrt(double{energies[i]});
      if (above > 0) bands[above - 1] += magnitude * share;
      if (above < count) bands[above] += magnitude * (1 - share);
    }
    return bands;
  }

 private:
  double width_, low_;
  std::vector<double> middles_;
  int64_t first_ = 0;
  int64_t last_ = 0;
};

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  if (context.in(1).count() != 1) return context.Error("the sample rate must be one number");
  const int64_t rate = LoadInt(context.in(1).dtype(), context.in(1).data(), 0);
  const int64_t values = x.dim(2);
  if (rate < 1) return context.Error("the sample rate is " + std::to_string(rate));
  if (values < 2) return context.Error("the spectrogram is " + Describe(x));
  const MelBands mel(context.attrs(), 0.5 * static_cast<double>(rate) / static_cast<double>(values - 1),
                     values);
  const auto count = static_cast<double>(context.attrs().Int("filterbank_channel_count"));
  for (int64_t frame = 0; frame < x.dim(0) * x.dim(1); ++frame) {
    std::vector<double> bands = mel.Gather(x.as<float>() + frame * values);
    for (double& band : bands) band = std::log(std::max(band, kLeastBand));
    for (int64_t k = 0; k < y.dim(2); ++k) {
      double sum = 0;
      for (size_t j = 0; j < bands.size(); ++j)
        sum += bands[j] * std::cos(M_PI / count * static_cast<double>(k) * (static_cast<double>(j) + 0.5));
      y.as<float>()[frame * y.dim(2) + k] = static_cast<float>(std::sqrt(2 / count) * sum);
    }
  }
  return Status::Ok();
}

// TFLite reads whole frequencies only.
Status ImportTflite(ImportContext& context) {
  Attrs attrs;
  for (const char* name : {"upper_frequency_limit", "lower_frequency_limit"}) {
    const Attr* given = context.attrs().Find(name);
    if (given == nullptr) continue;
    const auto* whole = std::get_if<int64_t>(given);
    attrs.Set(name, std::trunc(whole != nullptr ? static_cast<float>(*whole) : context.attrs().Float(name)));
  }
  return context.EmitSame(std::move(attrs));
}

}  // namespace

OpDef MakeMfcc() {
  OpDef op;
  op.name = "Mfcc";
  op.group = "signal";
  op.summary = "Mel-frequency cepstral coefficients of energy spectra.";
  op.formula = "y[k] = sqrt(2/n) sum over bands j of ln(band[j]) cos(pi/n k (j + 1/2))";
  op.inputs = {
      {"spectrogram", {DType::kF32}, "[channels,frames,values]: squared magnitudes from 0 to half the rate"},
      {"sample_rate", kIndices, "one number, per second"}};
  op.outputs = {{"y", {DType::kF32}, "[channels,frames,dct_coefficient_count]"}};
  op.attrs = {FloatAttr("upper_frequency_limit", 4000, "of the highest band's end"),
              FloatAttr("lower_frequency_limit", 20, "of the lowest band's start"),
              IntAttr("filterbank_channel_count", 40, "bands"),
              IntAttr("dct_coefficient_count", 13, "results")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    return context.CountOfOutput(0) * static_cast<double>(context.attrs().Int("filterbank_channel_count"));
  };
  op.cases = [] {
    return std::vector<TestCase>{
        {"speech",
         {{.dims = {1, 2, 129}, .low = 0, .high = 9}, {.dtype = DType::kI32, .dims = {}, .values = {16000}}},
         {{"filterbank_channel_count", int64_t{20}}, {"dct_coefficient_count", int64_t{7}}}}};
  };
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTflite, "Mfcc", 1, INT_MAX, ImportTflite}, {Format::kTensorflow, "Mfcc"}};
  return op;
}

}  // namespace slipway
