#include "media/pixels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/scalar.h"
#include "media/byte_rows.h"

namespace slipway::media {
namespace {

template <class T>
void SwapFirstAndThird(BasicImage<T>* image) {
  const auto step = static_cast<size_t>(image->channels);
  for (size_t i = 0; i + 2 < image->pixels.size(); i += step)
    std::swap(image->pixels[i], image->pixels[i + 2]);
}

float EntryOf(const std::vector<float>& values, size_t channel, float otherwise) {
  if (values.empty()) return otherwise;
  return values.size() == 1 ? values[0] : values[channel];
}

// Calls visit(channel, stride of the target, its first index) for each channel.
template <class Visit>
void ForEachChannel(int channels, size_t pixels, PixelLayout layout, Visit visit) {
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    const bool is_hwc = layout == PixelLayout::kHwc;
    visit(c, is_hwc ? static_cast<size_t>(channels) : size_t{1}, is_hwc ? c : c * pixels);
  }
}

template <class T>
void Pack(const BasicImage<T>& image, const Normalization& normalization, PixelLayout layout,
          std::span<float> out) {
  const auto channels = static_cast<size_t>(image.channels);
  const size_t pixels = image.pixels.size() / channels;
  if (layout == PixelLayout::kHwc && normalization.IsIdentity()) {
    std::copy(image.pixels.begin(), image.pixels.end(), out.begin());
    return;
  }
  ForEachChannel(image.channels, pixels, layout, [&](size_t c, size_t stride, size_t first) {
    const float mean = EntryOf(normalization.mean, c, 0);
    const float std = EntryOf(normalization.std, c, 1);
    const T* in = image.pixels.data() + c;
    float* to = out.data() + first;
    for (size_t i = 0; i < pixels; ++i) to[i * stride] = (static_cast<float>(in[i * channels]) - mean) / std;
  });
}

// A float image of byte values has 256 distinct results per channel: dividing once per value is cheaper.
void PackByTable(const Image& image, const Normalization& normalization, PixelLayout layout,
                 std::span<float> out) {
  const auto channels = static_cast<size_t>(image.channels);
  const size_t pixels = image.pixels.size() / channels;
  ForEachChannel(image.channels, pixels, layout, [&](size_t c, size_t stride, size_t first) {
    float table[256];
    const float mean = EntryOf(normalization.mean, c, 0);
    const float std = EntryOf(normalization.std, c, 1);
    for (int v = 0; v < 256; ++v) table[v] = (static_cast<float>(v) - mean) / std;
    const uint8_t* in = image.pixels.data() + c;
    float* to = out.data() + first;
    for (size_t i = 0; i < pixels; ++i) to[i * stride] = table[in[i * channels]];
  });
}

template <class Q>
Q QuantizeOne(float x, const Quantization& quantization) {
  const float scaled = x / quantization.scale;
  if (std::isnan(scaled)) return static_cast<Q>(quantization.zero_point);
  const float rounded =
      quantization.rounding == Rounding::kAwayFromZero ? std::round(scaled) : std::nearbyint(scaled);
  // Bounded while still a float: values beyond int32 would be undefined to convert.
  const float bounded = std::clamp(rounded, -1e6F, 1e6F);
  const int64_t shifted = static_cast<int64_t>(bounded) + quantization.zero_point;
  return static_cast<Q>(
      std::clamp<int64_t>(shifted, std::numeric_limits<Q>::min(), std::numeric_limits<Q>::max()));
}

template <class Q>
void QuantizeAll(std::span<const float> in, const Quantization& quantization, std::span<Q> out) {
  for (size_t i = 0; i < in.size(); ++i) out[i] = QuantizeOne<Q>(in[i], quantization);
}

template <class Q>
void DequantizeAll(std::span<const Q> in, const Quantization& quantization, std::span<float> out) {
  for (size_t i = 0; i < in.size(); ++i) {
    out[i] = quantization.scale * static_cast<float>(static_cast<int32_t>(in[i]) - quantization.zero_point);
  }
}

template <class Q>
std::vector<Q> QuantizeTable(float mean, float std, const Quantization& quantization) {
  std::vector<Q> table(256);
  for (size_t v = 0; v < 256; ++v)
    table[v] = QuantizeOne<Q>((static_cast<float>(v) - mean) / std, quantization);
  return table;
}

}  // namespace

Image GreyFromRgb(const Image& rgb) {
  // 0.299, 0.587 and 0.114 in units of 2^-15.
  constexpr int kRed = 9798, kGreen = 19235, kBlue = 3735, kHalf = 1 << 14;
  Image grey(rgb.width, rgb.height, 1);
  const uint8_t* in = rgb.pixels.data();
  for (uint8_t& out : grey.pixels) {
    out = static_cast<uint8_t>((in[0] * kRed + in[1] * kGreen + in[2] * kBlue + kHalf) >> 15);
    in += rgb.channels;
  }
  return grey;
}

Image RgbFromGrey(const Image& grey) {
  Image rgb(grey.width, grey.height, 3);
  for (size_t i = 0; i < grey.pixels.size(); ++i) std::fill_n(&rgb.pixels[3 * i], 3, grey.pixels[i]);
  return rgb;
}

Image RgbFromRgba(const Image& rgba) {
  Image rgb(rgba.width, rgba.height, 3);
  for (size_t i = 0; i < rgba.pixels.size() / 4; ++i) std::copy_n(&rgba.pixels[4 * i], 3, &rgb.pixels[3 * i]);
  return rgb;
}

void SwapRedBlue(Image* image) { SwapFirstAndThird(image); }
void SwapRedBlue(ImageF32* image) { SwapFirstAndThird(image); }

bool Normalization::IsIdentity() const {
  const auto is = [](float value) { return [value](float x) { return x == value; }; };
  return std::all_of(mean.begin(), mean.end(), is(0)) && std::all_of(std.begin(), std.end(), is(1));
}

void PackF32(const Image& image, const Normalization& normalization, PixelLayout layout,
             std::span<float> out) {
  if (layout == PixelLayout::kChw && image.channels == 3) {
    float mean[3], std[3];
    for (size_t c = 0; c < 3; ++c) {
      mean[c] = EntryOf(normalization.mean, c, 0);
      std[c] = EntryOf(normalization.std, c, 1);
    }
    return PackRgbPlanes(image.pixels.data(), image.pixels.size() / 3, mean, std, out.data());
  }
  PackByTable(image, normalization, layout, out);
}

void PackF32(const ImageF32& image, const Normalization& normalization, PixelLayout layout,
             std::span<float> out) {
  Pack(image, normalization, layout, out);
}

void PackU8(const Image& image, PixelLayout layout, std::span<uint8_t> out) {
  const auto channels = static_cast<size_t>(image.channels);
  const size_t pixels = image.pixels.size() / channels;
  if (layout == PixelLayout::kHwc || channels == 1) {
    std::copy(image.pixels.begin(), image.pixels.end(), out.begin());
    return;
  }
  for (size_t c = 0; c < channels; ++c) {
    const uint8_t* in = image.pixels.data() + c;
    uint8_t* plane = out.data() + c * pixels;
    for (size_t i = 0; i < pixels; ++i) plane[i] = in[i * channels];
  }
}

void CastToF16(std::span<const float> in, std::span<uint16_t> out) {
  for (size_t i = 0; i < in.size(); ++i) out[i] = FloatToHalf(in[i]);
}

void Quantize(std::span<const float> in, const Quantization& q, std::span<uint8_t> out) {
  QuantizeAll(in, q, out);
}
void Quantize(std::span<const float> in, const Quantization& q, std::span<int8_t> out) {
  QuantizeAll(in, q, out);
}
void Quantize(std::span<const float> in, const Quantization& q, std::span<int16_t> out) {
  QuantizeAll(in, q, out);
}

void Dequantize(std::span<const uint8_t> in, const Quantization& q, std::span<float> out) {
  DequantizeAll(in, q, out);
}
void Dequantize(std::span<const int8_t> in, const Quantization& q, std::span<float> out) {
  DequantizeAll(in, q, out);
}
void Dequantize(std::span<const int16_t> in, const Quantization& q, std::span<float> out) {
  DequantizeAll(in, q, out);
}

std::vector<uint8_t> QuantizeTableU8(float mean, float std, const Quantization& quantization) {
  return QuantizeTable<uint8_t>(mean, std, quantization);
}
std::vector<int8_t> QuantizeTableI8(float mean, float std, const Quantization& quantization) {
  return QuantizeTable<int8_t>(mean, std, quantization);
}

}  // namespace slipway::media
