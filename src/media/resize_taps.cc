// Sources: the documented behaviour of OpenCV 4 (imgproc resize), Pillow (Resample: support scaled by the
// reduction, weights normalised per output), TensorFlow (ImageResizerState: scale and coordinates in float).
#include "media/resize_taps.h"

#include <algorithm>
#include <cmath>

namespace slipway::media {
namespace {

constexpr double kOpenCvCubic = -0.75;  // also ONNX's and PyTorch's default
constexpr double kPilCubic = -0.5;

double Cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// Collects weights by input index, clamped to the border, then lays them out as windows of one width.
class Builder {
 public:
  Builder(int in, int out) : in_(in), out_(static_cast<size_t>(out)) { windows_.reserve(out_ + 1); }

  // Outputs come in ascending order, and an output's inputs, too. One without inputs is zero.
  void Add(int output, int input, double weight) {
    const int index = std::clamp(input, 0, in_ - 1);
    if (windows_.size() <= static_cast<size_t>(output))
      windows_.resize(static_cast<size_t>(output) + 1, {index, weights_.size()});
    const Window& window = windows_.back();
    const size_t at = window.begin + static_cast<size_t>(index - window.first);
    if (at >= weights_.size()) weights_.resize(at + 1);
    weights_[at] += weight;
  }

  Taps Finish() {
    windows_.resize(out_ + 1, {0, weights_.size()});  // each ends where the next begins
    Taps taps;
    for (size_t i = 0; i < out_; ++i)
      taps.width = std::max(taps.width, static_cast<int>(windows_[i + 1].begin - windows_[i].begin));
    taps.first.reserve(out_);
    taps.weights.resize(out_ * static_cast<size_t>(taps.width));
    for (size_t i = 0; i < out_; ++i) {
      const Window& window = windows_[i];
      const int first = std::min(window.first, in_ - taps.width);
      taps.first.push_back(first);
      double* to = &taps.weights[i * static_cast<size_t>(taps.width)] + (window.first - first);
      std::copy_n(weights_.data() + window.begin, windows_[i + 1].begin - window.begin, to);
    }
    return taps;
  }

 private:
  struct Window {
    int first;
    size_t begin;  // of its weights
  };

  int in_;
  size_t out_;
  std::vector<Window> windows_;
  std::vector<double> weights_;
};

// Two or four samples around `position`, clamped at the border.
void AddInterpolated(Builder* builder, int output, double position, Filter filter, double cubic) {
  const double floor = std::floor(position);
  const int base = static_cast<int>(floor);
  const double fraction = position - floor;
  if (filter == Filter::kBilinear) {
    builder->Add(output, base, 1 - fraction);
    builder->Add(output, base + 1, fraction);
    return;
  }
  for (int j = -1; j <= 2; ++j) builder->Add(output, base + j, Cubic(fraction - j, cubic));
}

// Each output is the mean over its share of the input, samples at the edges counted by the part covered.
Taps BoxTaps(int in, int out) {
  Builder builder(in, out);
  const double scale = static_cast<double>(in) / out;
  for (int i = 0; i < out; ++i) {
    const double begin = i * scale;
    const double end = std::min(begin + scale, static_cast<double>(in));
    for (int j = static_cast<int>(begin); j < end; ++j) {
      const double covered = std::min<double>(end, j + 1) - std::max<double>(begin, j);
      if (covered > 1e-3 || out > in) builder.Add(i, j, covered / (end - begin));
    }
  }
  return builder.Finish();
}

// OpenCV's INTER_AREA where an axis grows: bilinear whose fraction only moves near the sample's edge.
Taps OpenCvEnlargedAreaTaps(int in, int out) {
  Builder builder(in, out);
  const double inverse = static_cast<double>(out) / in;
  const double scale = 1 / inverse;  // as OpenCV has it: the rounding decides where a step falls
  for (int i = 0; i < out; ++i) {
    const int base = static_cast<int>(std::floor(i * scale));
    const double ahead = (i + 1) - (base + 1) * inverse;
    const double fraction = ahead <= 0 ? 0 : ahead - std::floor(ahead);
    builder.Add(i, base, 1 - fraction);
    builder.Add(i, base + 1, fraction);
  }
  return builder.Finish();
}

double PilKernel(Filter filter, double x) {
  if (filter == Filter::kBicubic) return Cubic(x, kPilCubic);
  if (filter == Filter::kArea) return x > -0.5 && x <= 0.5 ? 1 : 0;
  return std::max(0.0, 1 - std::abs(x));
}

double PilSupport(Filter filter) {
  if (filter == Filter::kBicubic) return 2;
  return filter == Filter::kArea ? 0.5 : 1;
}

Taps PilTaps(int in, int out, Filter filter) {
  Builder builder(in, out);
  const double scale = static_cast<double>(in) / out;
  const double widening = std::max(scale, 1.0);
  const double support = PilSupport(filter) * widening;
  std::vector<double> kernel;
  for (int i = 0; i < out; ++i) {
    const double center = (i + 0.5) * scale;
    const int begin = std::max(0, static_cast<int>(center - support + 0.5));
    const int end = std::min(in, static_cast<int>(center + support + 0.5));
    double total = 0;
    kernel.clear();
    for (int j = begin; j < end; ++j) {
      kernel.push_back(PilKernel(filter, (j - center + 0.5) / widening));
      total += kernel.back();
    }
    for (int j = begin; j < end; ++j) {
      const double weight = kernel[static_cast<size_t>(j - begin)];
      builder.Add(i, j, total == 0 ? weight : weight / total);
    }
  }
  return builder.Finish();
}

// In float, as TensorFlow does: for large images the rounding decides which sample is taken.
float PlainScale(int in, int out, Convention convention) {
  if (convention == Convention::kAlignCorners && out > 1) {
    return static_cast<float>(in - 1) / static_cast<float>(out - 1);
  }
  return static_cast<float>(in) / static_cast<float>(out);
}

float PlainPosition(int i, float scale, Convention convention) {
  const auto x = static_cast<float>(i);
  return convention == Convention::kHalfPixel ? (x + 0.5F) * scale - 0.5F : x * scale;
}

Taps PlainTaps(int in, int out, const ResizeOptions& options) {
  if (options.filter == Filter::kArea) return BoxTaps(in, out);
  Builder builder(in, out);
  const float scale = PlainScale(in, out, options.convention);
  for (int i = 0; i < out; ++i) {
    AddInterpolated(&builder, i, PlainPosition(i, scale, options.convention), options.filter, kOpenCvCubic);
  }
  return builder.Finish();
}

Taps OpenCvTaps(const AxisSpec& spec) {
  if (spec.options.filter == Filter::kArea) {
    return spec.is_enlarging ? OpenCvEnlargedAreaTaps(spec.in, spec.out) : BoxTaps(spec.in, spec.out);
  }
  Builder builder(spec.in, spec.out);
  const double scale = static_cast<double>(spec.in) / spec.out;
  for (int i = 0; i < spec.out; ++i) {
    const auto position = static_cast<float>((i + 0.5) * scale - 0.5);
    AddInterpolated(&builder, i, position, spec.options.filter, kOpenCvCubic);
  }
  return builder.Finish();
}

int PlainNearest(int i, float scale, Convention convention) {
  const auto x = static_cast<float>(i);
  if (convention == Convention::kAlignCorners) return static_cast<int>(std::round(x * scale));
  if (convention == Convention::kHalfPixel) return static_cast<int>(std::floor((x + 0.5F) * scale));
  return static_cast<int>(std::floor(x * scale));
}

}  // namespace

bool Taps::IsIdentity(int input_size) const {
  if (width != 1 || static_cast<int>(first.size()) != input_size) return false;
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i] != static_cast<int32_t>(i) || weights[i] != 1) return false;
  }
  return true;
}

Taps MakeTaps(const AxisSpec& spec) {
  switch (spec.options.style) {
    case ResizeStyle::kOpenCv: return OpenCvTaps(spec);
    case ResizeStyle::kPil: return PilTaps(spec.in, spec.out, spec.options.filter);
    case ResizeStyle::kPlain: return PlainTaps(spec.in, spec.out, spec.options);
  }
  return {};
}

std::vector<int32_t> NearestIndices(int in, int out, const ResizeOptions& options) {
  std::vector<int32_t> indices(static_cast<size_t>(out));
  const float plain_scale = PlainScale(in, out, options.convention);
  const double scale = options.style == ResizeStyle::kOpenCv ? 1.0 / (static_cast<double>(out) / in)
                                                             : static_cast<double>(in) / out;
  double pil_position = scale * 0.5;  // accumulated, as PIL does: the sum's rounding decides ties
  for (int i = 0; i < out; ++i, pil_position += scale) {
    int index = 0;
    switch (options.style) {
      case ResizeStyle::kOpenCv: index = static_cast<int>(std::floor(i * scale)); break;
      case ResizeStyle::kPil: index = static_cast<int>(pil_position); break;
      case ResizeStyle::kPlain: index = PlainNearest(i, plain_scale, options.convention); break;
    }
    indices[static_cast<size_t>(i)] = std::clamp(index, 0, in - 1);
  }
  return indices;
}

std::vector<Lerp> MakeLerps(int in, int out, Convention convention) {
  std::vector<Lerp> lerps(static_cast<size_t>(out));
  const float scale = PlainScale(in, out, convention);
  for (int i = 0; i < out; ++i) {
    const float position = PlainPosition(i, scale, convention);
    const float floor = std::floor(position);
    lerps[static_cast<size_t>(i)] = {.low = std::clamp(static_cast<int>(floor), 0, in - 1),
                                     .high = std::clamp(static_cast<int>(std::ceil(position)), 0, in - 1),
                                     .fraction = position - floor};
  }
  return lerps;
}

}  // namespace slipway::media
