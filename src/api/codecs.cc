#include "api/codecs.h"

#include <algorithm>

#include "media/image_io.h"
#include "media/pixels.h"
#include "ops/vision/image_decoder.h"

namespace slipway {
namespace {

Result<Tensor> Decode(std::span<const uint8_t> bytes, ImageColor color) {
  media::DecodeOptions options;
  options.orientation = media::DecodeOrientation::kIgnore;
  SLIPWAY_ASSIGN_OR_RETURN(media::Image image, media::DecodeImage(bytes, options));
  // From the colours, as ONNX's reference does, not from a JPEG's own luma.
  if (color == ImageColor::kGrey) image = media::GreyFromRgb(image);
  Tensor pixels(DType::kU8, {image.height, image.width, image.channels});
  std::copy(image.pixels.begin(), image.pixels.end(), pixels.as<uint8_t>());
  return pixels;
}

}  // namespace

void InstallCodecs() { InstallImageDecoder(Decode); }

}  // namespace slipway
