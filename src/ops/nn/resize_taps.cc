// Which pixels make up an output position, and with what weights.
//
// ONNX: the coordinate f(p), base = ceil(f) - 1 and ratio = f - base in (0, 1]; the taps stand around base.
// The antialias filters widen by 1 / scale. Source: ONNX's definition of Resize, opset 19.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/nn/resize.h"

namespace slipway {
namespace {

double OnnxCoordinate(const std::string& mode, const ResizeAxis& axis, int64_t position) {
  const auto p = static_cast<double>(position);
  const auto in = static_cast<double>(axis.in);
  const double out = axis.scale * in;  // not rounded
  if (mode == "align_corners") return out == 1 ? 0 : p * (in - 1) / (out - 1);
  if (mode == "asymmetric") return p / axis.scale;
  if (mode == "tf_half_pixel_for_nn") return (p + 0.5) / axis.scale;
  if (mode == "pytorch_half_pixel") return out == 1 ? -0.5 : (p + 0.5) / axis.scale - 0.5;
  if (mode == "half_pixel_symmetric") {
    const double offset = in / 2 * (1 - static_cast<double>(axis.out) / out);
    return offset + (p + 0.5) / axis.scale - 0.5;
  }
  if (mode == "tf_crop_and_resize") {
    const double span = (axis.roi_end - axis.roi_begin) * (in - 1);
    return axis.roi_begin * (in - 1) + (out == 1 ? span / 2 : p * span / (out - 1));
  }
  return (p + 0.5) / axis.scale - 0.5;
}

// The cubic convolution kernel (Keys, 1981) at distance x.
double Cubic(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

double Triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

int64_t NearestOffset(const std::string& mode, double ratio, double scale) {
  if (ratio == 1) return 1;
  if (mode == "round_prefer_floor") return ratio > 0.5 ? 1 : 0;
  if (mode == "round_prefer_ceil") return ratio >= 0.5 ? 1 : 0;
  if (mode == "simple") return scale < 1 ? 1 : 0;
  return mode == "ceil" ? 1 : 0;
}

// Weights that sum to 1; those outside are dropped or clamped to the edge.
void Finish(ResizeTaps& taps, int64_t in, bool excludes_outside, bool normalizes) {
  double sum = 0;
  for (size_t k = 0; k < taps.index.size(); ++k) {
    const bool is_outside = taps.index[k] < 0 || taps.index[k] >= in;
    if (excludes_outside && is_outside) taps.weight[k] = 0;
    taps.index[k] = std::clamp<int64_t>(taps.index[k], 0, in - 1);
    sum += taps.weight[k];
  }
  if (!(excludes_outside || normalizes) || sum == 0) return;
  for (double& weight : taps.weight) weight /= sum;
}

}  // namespace

std::vector<ResizeTaps> OnnxTaps(const Attrs& attrs, const ResizeAxis& axis) {
  const std::string& mode = attrs.String("mode");
  const std::string& coordinates = attrs.String("coordinate_transformation_mode");
  const bool is_cubic = mode == "cubic";
  const bool is_antialiased = attrs.Int("antialias") != 0 && axis.scale < 1;
  const double shrink = is_antialiased ? axis.scale : 1;
  const double reach = is_cubic ? 2 : 1;
  const auto first = static_cast<int64_t>(std::floor(-reach / shrink)) + 1;
  const auto a = static_cast<double>(attrs.Float("cubic_coeff_a", -0.75F));
  // A filter wider than the image on both sides only repeats the edge; keep hostile scales from asking for
  // more.
  const int64_t begin = std::max(first, -2 * axis.in - 2);
  std::vector<ResizeTaps> all(static_cast<size_t>(axis.out));
  for (int64_t p = 0; p < axis.out; ++p) {
    ResizeTaps& taps = all[static_cast<size_t>(p)];
    double x = OnnxCoordinate(coordinates, axis, p);
    // Single precision, as in onnxruntime, meets pixels' middles where the scale is not quite exact: bytes
    // are rounded there.
    if (attrs.Int("antialias") != 0) x = static_cast<float>(x);
    if (coordinates == "tf_crop_and_resize") taps.is_outside = x < 0 || x > static_cast<double>(axis.in - 1);
    const double lowest = -1e15;  // far beyond any tensor, still exact as an integer
    const auto base = static_cast<int64_t>(std::clamp(std::ceil(x) - 1, lowest, -lowest));
    const double ratio = x - static_cast<double>(base);
    if (mode == "nearest") {
      const int64_t index = base + NearestOffset(attrs.String("nearest_mode"), ratio, axis.scale);
      taps.index = {std::clamp<int64_t>(index, 0, axis.in - 1)};
      taps.weight = {1};
      continue;
    }
    for (int64_t k = begin; k < 2 - begin; ++k) {
      const double distance = (static_cast<double>(k) - ratio) * shrink;
      taps.index.push_back(base + k);
      taps.weight.push_back(is_cubic ? Cubic(distance, a) : Triangle(distance));
    }
    Finish(taps, axis.in, attrs.Int("exclude_outside") != 0, is_antialiased);
  }
  return all;
}

std::vector<ResizeTaps> TfliteTaps(const Attrs& attrs, const ResizeAxis& axis) {
  const std::string& coordinates = attrs.String("coordinate_transformation_mode");
  const bool is_aligned = coordinates == "align_corners";
  const bool is_centered = coordinates == "half_pixel";
  const float scale = is_aligned && axis.out > 1
                          ? static_cast<float>(axis.in - 1) / static_cast<float>(axis.out - 1)
                          : static_cast<float>(axis.in) / static_cast<float>(axis.out);
  const bool is_nearest = attrs.String("mode") == "nearest";
  std::vector<ResizeTaps> all(static_cast<size_t>(axis.out));
  for (int64_t p = 0; p < axis.out; ++p) {
    ResizeTaps& taps = all[static_cast<size_t>(p)];
    const float centered = (static_cast<float>(p) + (is_centered ? 0.5F : 0.0F)) * scale;
    if (is_nearest) {
      const float rounded = is_aligned ? std::round(centered) : std::floor(centered);
      taps.index = {std::clamp<int64_t>(static_cast<int64_t>(rounded), 0, axis.in - 1)};
      taps.weight = {1};
      continue;
    }
    const float x = is_centered ? centered - 0.5F : centered;
    const int64_t low = std::max<int64_t>(static_cast<int64_t>(std::floor(x)), 0);
    const int64_t high = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(x)), 0, axis.in - 1);
    const double ratio = static_cast<double>(x - static_cast<float>(low));
    taps.index = {std::min(low, axis.in - 1), high};
    taps.weight = {1 - ratio, ratio};
  }
  return all;
}

namespace {

constexpr int64_t kOne = 1 << 10;  // TFLite's fixed point for resize

struct FixedTap {
  int64_t low, high;  // pixels
  int64_t part;       // of the high one, in 1/kOne
};

std::vector<FixedTap> FixedTaps(const ResizeAxis& axis, const std::string& coordinates) {
  const bool is_aligned = coordinates == "align_corners" && axis.out > 1;
  const int64_t in = is_aligned ? axis.in - 1 : axis.in;
  const int64_t out = is_aligned ? axis.out - 1 : axis.out;
  const int64_t scale = (kOne * in + out / 2) / out;
  std::vector<FixedTap> taps;
  for (int64_t p = 0; p < axis.out; ++p) {
    int64_t x = p * scale;
    if (coordinates == "half_pixel") x += scale / 2 - kOne / 2;
    const int64_t low = std::min(std::max<int64_t>(x / kOne, 0), axis.in - 1);
    const int64_t high = std::clamp<int64_t>((x + kOne - 1) / kOne, 0, axis.in - 1);
    taps.push_back({low, high, x - kOne * low});
  }
  return taps;
}

struct FloatTap {
  int64_t low, high;
  float part;
};

std::vector<FloatTap> FloatTaps(const Attrs& attrs, const ResizeAxis& axis) {
  std::vector<FloatTap> taps;
  for (const ResizeTaps& tap : TfliteTaps(attrs, axis)) {
    taps.push_back({tap.index[0], tap.index[1], static_cast<float>(tap.weight[1])});
  }
  return taps;
}

// Calls blend(x00, x10, x01, x11, tap y, tap x) for every output element in order; the first index is y's.
template <class Tap, class F>
void ForEachBlend(const ResizePlane& plane, const Tensor& from, Tensor& to, const std::vector<Tap>& ys,
                  const std::vector<Tap>& xs, const F& blend) {
  const DType dtype = from.dtype();
  int64_t at = 0;
  for (int64_t o = 0; o < plane.outer; ++o) {
    const auto pixel = [&](int64_t y, int64_t x, int64_t i) {
      return LoadInt(dtype, from.data(), ((o * plane.y.in + y) * plane.x.in + x) * plane.inner + i);
    };
    for (const Tap& y : ys) {
      for (const Tap& x : xs) {
        for (int64_t i = 0; i < plane.inner; ++i) {
          const int64_t value = blend(pixel(y.low, x.low, i), pixel(y.high, x.low, i),
                                      pixel(y.low, x.high, i), pixel(y.high, x.high, i), y, x);
          StoreInt(dtype, to.data(), at++, std::clamp(value, MinOfInteger(dtype), MaxOfInteger(dtype)));
        }
      }
    }
  }
}

}  // namespace

void ResizeIntegerBilinear(const Attrs& attrs, const ResizePlane& plane, const Tensor& from, Tensor& to) {
  const std::string& coordinates = attrs.String("coordinate_transformation_mode");
  if (from.dtype() == DType::kU8) {
    ForEachBlend(
        plane, from, to, FloatTaps(attrs, plane.y), FloatTaps(attrs, plane.x),
        [](int64_t x00, int64_t x10, int64_t x01, int64_t x11, const FloatTap& y, const FloatTap& x) {
          const float sum = static_cast<float>(x00) * (1 - y.part) * (1 - x.part) +
                            static_cast<float>(x10) * y.part * (1 - x.part) +
                            static_cast<float>(x01) * (1 - y.part) * x.part +
                            static_cast<float>(x11) * y.part * x.part;
          return static_cast<int64_t>(sum + 0.5F);
        });
    return;
  }
  ForEachBlend(plane, from, to, FixedTaps(plane.y, coordinates), FixedTaps(plane.x, coordinates),
               [](int64_t x00, int64_t x10, int64_t x01, int64_t x11, const FixedTap& y, const FixedTap& x) {
                 const int64_t sum = x00 * (kOne - y.part) * (kOne - x.part) +
                                     x10 * y.part * (kOne - x.part) + x01 * (kOne - y.part) * x.part +
                                     x11 * y.part * x.part;
                 const int64_t half = kOne * kOne / 2;
                 return (sum + (sum > 0 ? half : -half)) / (kOne * kOne);
               });
}

}  // namespace slipway
