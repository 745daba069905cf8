// Separable resampling: each needed input row is filtered across once, then rows are blended down.
#include "media/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "media/byte_rows.h"
#include "media/resize_taps.h"

namespace slipway::media {
namespace {

constexpr int kMaxSide = 65535;

// An arithmetic says in which types and roundings the two passes run:
//   Weight, ToWeight(double)   a weight of either axis
//   Row(sum)                   a horizontal sum, from kRowStart on -> the intermediate sample
//   Term(weight, sample)       a product of the vertical pass
//   Column(sum)                a vertical sum -> the output sample
// Those of bytes in and out leave the vertical pass to BlendRows.

struct FloatArithmetic {
  using Weight = float;
  using Mid = float;
  using Sum = float;
  static constexpr Sum kRowStart = 0;
  static Weight ToWeight(double w) { return static_cast<float>(w); }
  static Mid Row(Sum sum) { return sum; }
  static Sum Term(Weight w, Mid m) { return w * m; }
  static float Column(Sum sum) { return sum; }
};

// Floats rounded to a byte.
struct RoundedArithmetic : FloatArithmetic {
  static uint8_t Column(Sum sum) {
    return static_cast<uint8_t>(std::clamp(std::nearbyint(sum), 0.0F, 255.0F));
  }
};

// PIL on floats.
struct DoubleArithmetic {
  using Weight = double;
  using Mid = float;
  using Sum = double;
  static constexpr Sum kRowStart = 0;
  static Weight ToWeight(double w) { return w; }
  static Mid Row(Sum sum) { return static_cast<float>(sum); }
  static Sum Term(Weight w, Mid m) { return w * m; }
  static float Column(Sum sum) { return static_cast<float>(sum); }
};

// PIL on bytes: 22-bit weights, and bytes between the passes.
struct PilArithmetic {
  using Weight = int32_t;
  using Mid = uint8_t;
  using Sum = int32_t;
  static constexpr Sum kRowStart = kPilHalf;
  static Weight ToWeight(double w) {
    return static_cast<int32_t>(w * (1 << kPilBits) + (w < 0 ? -0.5 : 0.5));
  }
  static uint8_t Row(Sum sum) { return static_cast<uint8_t>(std::clamp(sum >> kPilBits, 0, 255)); }
};

// OpenCV's bilinear on bytes: 11-bit weights, products cut to 16 bits in the vertical pass.
struct OpenCvArithmetic {
  using Weight = int16_t;
  using Mid = int16_t;
  using Sum = int32_t;
  static constexpr Sum kRowStart = 0;
  static Weight ToWeight(double w) {
    return static_cast<int16_t>(std::lrint(static_cast<float>(w) * 2048.0F));
  }
  static Mid Row(Sum sum) { return static_cast<int16_t>(sum >> 4); }
};

template <class Arithmetic>
std::vector<typename Arithmetic::Weight> ConvertWeights(const Taps& taps) {
  std::vector<typename Arithmetic::Weight> weights(taps.weights.size());
  std::transform(taps.weights.begin(), taps.weights.end(), weights.begin(), Arithmetic::ToWeight);
  return weights;
}

// kChannels: known at compile time for common images, 0 otherwise; kTaps likewise.
template <class A, int kChannels, int kTaps, class In>
void FilterRow(const In* in, int channel_count, const Taps& taps, const typename A::Weight* weights,
               typename A::Mid* out) {
  const int channels = kChannels > 0 ? kChannels : channel_count;
  const int width = kTaps > 0 ? kTaps : taps.width;
  for (const int32_t first : taps.first) {
    const In* window = in + static_cast<ptrdiff_t>(first) * channels;
    for (int c = 0; c < channels; ++c) {
      typename A::Sum sum = A::kRowStart;
      for (int j = 0; j < width; ++j)
        sum += weights[j] * static_cast<typename A::Sum>(window[j * channels + c]);
      *out++ = A::Row(sum);
    }
    weights += width;
  }
}

template <class A, class In>
using RowFilter = void (*)(const In*, int, const Taps&, const typename A::Weight*, typename A::Mid*);

template <class A, class In, int kChannels>
RowFilter<A, In> ChooseByTaps(int taps) {
  switch (taps) {
    case 2: return FilterRow<A, kChannels, 2, In>;
    case 4: return FilterRow<A, kChannels, 4, In>;
    default: return FilterRow<A, kChannels, 0, In>;
  }
}

template <class A, class In>
RowFilter<A, In> ChooseRowFilter(int channels, int taps) {
  switch (channels) {
    case 1: return ChooseByTaps<A, In, 1>(taps);
    case 3: return ChooseByTaps<A, In, 3>(taps);
    case 4: return ChooseByTaps<A, In, 4>(taps);
    default: return ChooseByTaps<A, In, 0>(taps);
  }
}

// Bytes of three or four channels have rows of their own, which do the same faster.
template <class A, class In>
constexpr bool kHasByteRows = std::is_same_v<In, uint8_t> &&
                              (std::is_same_v<A, PilArithmetic> || std::is_same_v<A, OpenCvArithmetic>);

// Rows of intermediate samples, kept while the window of the vertical pass covers them.
template <class A, class In>
class RowCache {
 public:
  RowCache(const BasicImage<In>& image, const Taps& across, int capacity)
      : image_(image),
        across_(across),
        weights_(ConvertWeights<A>(across)),
        filter_(ChooseRowFilter<A, In>(image.channels, across.width)),
        row_elems_(across.first.size() * static_cast<size_t>(image.channels)),
        pitch_(row_elems_ + ByteRowFilter::kSpare),
        rows_(pitch_ * static_cast<size_t>(capacity)),
        held_(static_cast<size_t>(capacity), -1) {
    if constexpr (kHasByteRows<A, In>) {
      if (!ByteRowFilter::Takes(image.channels)) return;
      const std::vector<int32_t> weights(weights_.begin(), weights_.end());
      constexpr auto kStyle = std::is_same_v<A, PilArithmetic> ? RowStyle::kPil : RowStyle::kOpenCv;
      byte_filter_.emplace(kStyle, ByteTaps{across.width, across.first, weights}, image.channels,
                           image.width);
    }
  }

  size_t row_elems() const { return row_elems_; }

  // Valid until so many others are asked for as the cache holds.
  const typename A::Mid* Get(int y) {
    const size_t slot = static_cast<size_t>(y) % held_.size();
    typename A::Mid* row = rows_.data() + slot * pitch_;
    if (held_[slot] != y) Fill(y, row);
    held_[slot] = y;
    return row;
  }

 private:
  void Fill(int y, typename A::Mid* row) {
    if constexpr (kHasByteRows<A, In>) {
      const std::span<const In> pixels = image_.pixels;
      if (byte_filter_)
        return byte_filter_->Run(pixels.subspan(static_cast<size_t>(y) * image_.RowElems()), row);
    }
    filter_(image_.Row(y), image_.channels, across_, weights_.data(), row);
  }

  const BasicImage<In>& image_;
  const Taps& across_;
  std::vector<typename A::Weight> weights_;
  RowFilter<A, In> filter_;
  std::optional<ByteRowFilter> byte_filter_;
  size_t row_elems_, pitch_;
  std::vector<typename A::Mid> rows_;
  std::vector<int> held_;
};

template <class A, class Out>
void BlendTwo(const typename A::Mid* a, const typename A::Mid* b, const typename A::Weight* w, size_t count,
              Out* out) {
  const typename A::Weight wa = w[0];
  const typename A::Weight wb = w[1];
  for (size_t i = 0; i < count; ++i) {
    typename A::Sum sum{0};
    sum += A::Term(wa, a[i]);
    sum += A::Term(wb, b[i]);
    out[i] = A::Column(sum);
  }
}

template <class A, class Out>
void BlendMany(std::span<const typename A::Mid* const> rows, const typename A::Weight* w,
               std::vector<typename A::Sum>* sums, Out* out) {
  std::fill(sums->begin(), sums->end(), typename A::Sum{0});
  for (size_t j = 0; j < rows.size(); ++j) {
    typename A::Sum* sum = sums->data();
    for (size_t i = 0; i < sums->size(); ++i) sum[i] += A::Term(w[j], rows[j][i]);
  }
  for (size_t i = 0; i < sums->size(); ++i) out[i] = A::Column((*sums)[i]);
}

template <class A, class Out, class In>
BasicImage<Out> ResizeByTaps(const BasicImage<In>& image, const Taps& across, const Taps& down) {
  BasicImage<Out> result(static_cast<int>(across.first.size()), static_cast<int>(down.first.size()),
                         image.channels);
  RowCache<A, In> cache(image, across, down.width);
  const auto weights = ConvertWeights<A>(down);
  std::vector<typename A::Sum> sums(kHasByteRows<A, In> ? 0 : cache.row_elems());
  std::vector<const typename A::Mid*> rows(static_cast<size_t>(down.width));
  for (int y = 0; y < result.height; ++y) {
    for (int j = 0; j < down.width; ++j)
      rows[static_cast<size_t>(j)] = cache.Get(down.first[static_cast<size_t>(y)] + j);
    const auto* w = weights.data() + static_cast<ptrdiff_t>(y) * down.width;
    if constexpr (kHasByteRows<A, In>) {
      BlendRows(rows, w, cache.row_elems(), result.Row(y));
    } else if (down.width == 2) {
      BlendTwo<A>(rows[0], rows[1], w, cache.row_elems(), result.Row(y));
    } else {
      BlendMany<A, Out>(rows, w, &sums, result.Row(y));
    }
  }
  return result;
}

template <class T>
BasicImage<T> ResizeNearest(const BasicImage<T>& image, int width, int height, const ResizeOptions& options) {
  BasicImage<T> result(width, height, image.channels);
  const std::vector<int32_t> columns = NearestIndices(image.width, width, options);
  const std::vector<int32_t> rows = NearestIndices(image.height, height, options);
  const auto pixel = static_cast<size_t>(image.channels);
  for (int y = 0; y < height; ++y) {
    T* out = result.Row(y);
    const T* in = image.Row(rows[static_cast<size_t>(y)]);
    for (const int32_t x : columns) {
      std::copy_n(in + static_cast<size_t>(x) * pixel, pixel, out);
      out += pixel;
    }
  }
  return result;
}

// low + (high - low) * fraction, across and then down, each step rounded to float like TensorFlow's kernel.
template <class In>
class LerpRows {
 public:
  LerpRows(const BasicImage<In>& image, int width, Convention convention)
      : image_(image), lerps_(MakeLerps(image.width, width, convention)) {}

  const std::vector<float>& Get(int y) {
    const size_t slot = static_cast<size_t>(y) % 2;
    if (held_[slot] != y) Fill(y, &rows_[slot]);
    held_[slot] = y;
    return rows_[slot];
  }

 private:
  void Fill(int y, std::vector<float>* row) const {
    const auto channels = static_cast<size_t>(image_.channels);
    row->resize(lerps_.size() * channels);
    float* out = row->data();
    for (const Lerp& lerp : lerps_) {
      const In* low = image_.At(lerp.low, y);
      const In* high = image_.At(lerp.high, y);
      for (size_t c = 0; c < channels; ++c) {
        const auto base = static_cast<float>(low[c]);
        *out++ = base + (static_cast<float>(high[c]) - base) * lerp.fraction;
      }
    }
  }

  const BasicImage<In>& image_;
  std::vector<Lerp> lerps_;
  std::vector<float> rows_[2];
  int held_[2] = {-1, -1};
};

template <class In>
ImageF32 ResizePlainBilinear(const BasicImage<In>& image, int width, int height, Convention convention) {
  ImageF32 result(width, height, image.channels);
  LerpRows<In> rows(image, width, convention);
  const std::vector<Lerp> lerps = MakeLerps(image.height, height, convention);
  for (int y = 0; y < height; ++y) {
    const Lerp& lerp = lerps[static_cast<size_t>(y)];
    const float* low = rows.Get(lerp.low).data();
    const float* high = rows.Get(lerp.high).data();
    float* out = result.Row(y);
    for (size_t i = 0; i < result.RowElems(); ++i) out[i] = low[i] + (high[i] - low[i]) * lerp.fraction;
  }
  return result;
}

Image RoundToBytes(const ImageF32& image) {
  Image result(image.width, image.height, image.channels);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    result.pixels[i] = static_cast<uint8_t>(std::clamp(image.pixels[i] + 0.5F, 0.0F, 255.0F));
  }
  return result;
}

ImageF32 ToFloats(const Image& image) {
  ImageF32 result(image.width, image.height, image.channels);
  std::copy(image.pixels.begin(), image.pixels.end(), result.pixels.begin());
  return result;
}

struct Plan {
  Taps across;
  Taps down;
};

Plan MakePlan(int in_width, int in_height, int width, int height, ResizeOptions options) {
  const bool is_enlarging = width > in_width || height > in_height;
  return {
      .across = MakeTaps({.in = in_width, .out = width, .options = options, .is_enlarging = is_enlarging}),
      .down = MakeTaps({.in = in_height, .out = height, .options = options, .is_enlarging = is_enlarging})};
}

template <class T>
Status Check(const BasicImage<T>& image, int width, int height) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  if (!image.IsValid())
    return Status(Code::kInvalidInput, "resize to " + size + ": the image is empty or inconsistent");
  if (width >= 1 && width <= kMaxSide && height >= 1 && height <= kMaxSide) return Status::Ok();
  return Status(Code::kInvalidInput,
                "resize to " + size + ": sides must be in 1.." + std::to_string(kMaxSide));
}

bool IsPlainBilinear(const ResizeOptions& options) {
  return options.style == ResizeStyle::kPlain && options.filter == Filter::kBilinear;
}

// OpenCV's bilinear arithmetic on bytes also serves its area filter when it enlarges, and when it halves both
// sides (it then rounds up, as that arithmetic happens to do).
bool IsOpenCvFixedPoint(const Image& image, int width, int height, const ResizeOptions& options) {
  if (options.style != ResizeStyle::kOpenCv) return false;
  const bool is_enlarging = width > image.width || height > image.height;
  const bool is_halving = image.width == 2 * width && image.height == 2 * height;
  return options.filter == Filter::kBilinear ||
         (options.filter == Filter::kArea && (is_enlarging || is_halving));
}

}  // namespace

std::string_view FilterName(Filter filter) {
  switch (filter) {
    case Filter::kNearest: return "nearest";
    case Filter::kBilinear: return "bilinear";
    case Filter::kArea: return "area";
    case Filter::kBicubic: return "bicubic";
  }
  return "unknown";
}

std::string_view ConventionName(Convention convention) {
  switch (convention) {
    case Convention::kHalfPixel: return "half-pixel";
    case Convention::kAlignCorners: return "align-corners";
    case Convention::kAsymmetric: return "asymmetric";
  }
  return "unknown";
}

std::string_view ResizeStyleName(ResizeStyle style) {
  switch (style) {
    case ResizeStyle::kOpenCv: return "opencv";
    case ResizeStyle::kPil: return "pil";
    case ResizeStyle::kPlain: return "plain";
  }
  return "unknown";
}

Result<Image> Resize(const Image& image, int width, int height, const ResizeOptions& options) {
  SLIPWAY_RETURN_IF_ERROR(Check(image, width, height));
  if (options.filter == Filter::kNearest) return ResizeNearest(image, width, height, options);
  if (IsPlainBilinear(options))
    return RoundToBytes(ResizePlainBilinear(image, width, height, options.convention));
  const Plan plan = MakePlan(image.width, image.height, width, height, options);
  if (options.style == ResizeStyle::kPil)
    return ResizeByTaps<PilArithmetic, uint8_t>(image, plan.across, plan.down);
  if (IsOpenCvFixedPoint(image, width, height, options))
    return ResizeByTaps<OpenCvArithmetic, uint8_t>(image, plan.across, plan.down);
  return ResizeByTaps<RoundedArithmetic, uint8_t>(image, plan.across, plan.down);
}

Result<ImageF32> Resize(const ImageF32& image, int width, int height, const ResizeOptions& options) {
  SLIPWAY_RETURN_IF_ERROR(Check(image, width, height));
  if (options.filter == Filter::kNearest) return ResizeNearest(image, width, height, options);
  if (IsPlainBilinear(options)) return ResizePlainBilinear(image, width, height, options.convention);
  const Plan plan = MakePlan(image.width, image.height, width, height, options);
  if (options.style == ResizeStyle::kPil)
    return ResizeByTaps<DoubleArithmetic, float>(image, plan.across, plan.down);
  return ResizeByTaps<FloatArithmetic, float>(image, plan.across, plan.down);
}

Result<ImageF32> ResizeToF32(const Image& image, int width, int height, const ResizeOptions& options) {
  if (options.style != ResizeStyle::kPlain) {
    SLIPWAY_ASSIGN_OR_RETURN(const Image resized, Resize(image, width, height, options));
    return ToFloats(resized);
  }
  SLIPWAY_RETURN_IF_ERROR(Check(image, width, height));
  if (options.filter == Filter::kNearest) return ToFloats(ResizeNearest(image, width, height, options));
  if (options.filter == Filter::kBilinear)
    return ResizePlainBilinear(image, width, height, options.convention);
  const Plan plan = MakePlan(image.width, image.height, width, height, options);
  return ResizeByTaps<FloatArithmetic, float>(image, plan.across, plan.down);
}

}  // namespace slipway::media
