// Pixel arithmetic between an image and a tensor: colour order, normalisation, layout, quantisation.
//
// All loops are plain passes over contiguous memory that compilers vectorise. Callers check shapes; nothing
// here fails.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "media/image.h"

namespace slipway::media {

// BT.601 luma in OpenCV's fixed point (cvtColor, COLOR_RGB2GRAY). rgb: 3 or 4 channels.
Image GreyFromRgb(const Image& rgb);
// One channel copied into three.
Image RgbFromGrey(const Image& grey);
// Alpha dropped. rgba: 4 channels.
Image RgbFromRgba(const Image& rgba);
// Swaps the first and the third channel in place: RGB to BGR and back. channels >= 3.
void SwapRedBlue(Image* image);
void SwapRedBlue(ImageF32* image);

enum class PixelLayout { kHwc, kChw };

// (x - mean) / std; one entry for all channels, or one per channel; empty means 0 and 1.
struct Normalization {
  std::vector<float> mean;
  std::vector<float> std;

  bool IsIdentity() const;
};

// image -> f32 [h,w,c] or [c,h,w], computed as (x - mean) / std in float, with a real division so that
// results equal numpy's. out: width * height * channels.
void PackF32(const Image& image, const Normalization& normalization, PixelLayout layout,
             std::span<float> out);
void PackF32(const ImageF32& image, const Normalization& normalization, PixelLayout layout,
             std::span<float> out);
// The bytes as they are, in either layout.
void PackU8(const Image& image, PixelLayout layout, std::span<uint8_t> out);

// f32 -> f16 bits, to nearest even.
void CastToF16(std::span<const float> in, std::span<uint16_t> out);

// Ties of a rounding: kAwayFromZero as TFLite, kToEven as ONNX QuantizeLinear and numpy.
enum class Rounding { kAwayFromZero, kToEven };

// q = saturate(round(x / scale) + zero_point); NaN gives zero_point. scale > 0.
struct Quantization {
  float scale = 1;
  int32_t zero_point = 0;
  Rounding rounding = Rounding::kAwayFromZero;
};
void Quantize(std::span<const float> in, const Quantization& quantization, std::span<uint8_t> out);
void Quantize(std::span<const float> in, const Quantization& quantization, std::span<int8_t> out);
void Quantize(std::span<const float> in, const Quantization& quantization, std::span<int16_t> out);

// scale * (q - zero_point)
void Dequantize(std::span<const uint8_t> in, const Quantization& quantization, std::span<float> out);
void Dequantize(std::span<const int8_t> in, const Quantization& quantization, std::span<float> out);
void Dequantize(std::span<const int16_t> in, const Quantization& quantization, std::span<float> out);

// What each of the 256 byte values becomes after normalisation and quantisation, for one channel: preparing a
// photo for an integer network is then a look-up per byte.
std::vector<uint8_t> QuantizeTableU8(float mean, float std, const Quantization& quantization);
std::vector<int8_t> QuantizeTableI8(float mean, float std, const Quantization& quantization);

}  // namespace slipway::media
