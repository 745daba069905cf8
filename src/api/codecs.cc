#include "api/codecs.h"

#include <algorithm>

#include "media/image_io.h"
#include "media/pixels.h"
#include "media/wav.h"
#include "ops/signal/audio_decoder.h"
#include "ops/vision/image_decoder.h"
#include "ops/vision/image_encoder.h"

namespace slipway {
namespace {

Result<Tensor> DecodePhoto(std::span<const uint8_t> bytes, ImageColor color) {
  media::DecodeOptions options;
  options.orientation = media::DecodeOrientation::kIgnore;
  SLIPWAY_ASSIGN_OR_RETURN(media::Image image, media::DecodeImage(bytes, options));
  // From the colours, as ONNX's reference does, not from a JPEG's own luma.
  if (color == ImageColor::kGrey) image = media::GreyFromRgb(image);
  Tensor pixels(DType::kU8, {image.height, image.width, image.channels});
  std::copy(image.pixels.begin(), image.pixels.end(), pixels.as<uint8_t>());
  return pixels;
}

// As OpenCV's imencode by default, and onnxruntime-extensions after it.
Result<std::vector<uint8_t>> EncodePhoto(const Tensor& pixels, ImageFile format) {
  if (pixels.dim(0) > INT32_MAX || pixels.dim(1) > INT32_MAX)
    return Status(Code::kInvalidInput, "an image of " + Describe(pixels) + " is too large for a file");
  media::Image image(static_cast<int>(pixels.dim(1)), static_cast<int>(pixels.dim(0)), 3);
  std::copy_n(pixels.as<uint8_t>(), pixels.count(), image.pixels.begin());
  if (format == ImageFile::kPng) return media::EncodePng(image, media::PngEffort::kFast);
  constexpr int kQuality = 95;
  return media::EncodeJpeg(image, kQuality, media::JpegColor::kHalf);
}

Result<DecodedAudio> DecodeSound(std::span<const uint8_t> bytes) {
  SLIPWAY_ASSIGN_OR_RETURN(const media::Wav wav, media::ReadWav(bytes));
  Tensor samples(DType::kF32, {wav.frames, wav.channels});
  constexpr float kFullScale = 32768;
  float* to = samples.as<float>();
  for (int64_t frame = 0; frame < wav.frames; ++frame) {
    for (int channel = 0; channel < wav.channels; ++channel)
      *to++ = static_cast<float>(wav.At(frame, channel)) / kFullScale;
  }
  return DecodedAudio{std::move(samples), wav.sample_rate};
}

}  // namespace

void InstallCodecs() {
  InstallImageDecoder(DecodePhoto);
  InstallImageEncoder(EncodePhoto);
  InstallAudioDecoder(DecodeSound);
}

}  // namespace slipway
