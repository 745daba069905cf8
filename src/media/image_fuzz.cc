// Fuzz entry: any bytes as an image, header and pixels, with small limits.
#include "media/image_io.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  slipway::media::DecodeOptions options;
  options.limits.max_pixels = 1 << 20;
  options.limits.max_bytes = 1 << 20;
  (void)slipway::media::ReadImageInfo({data, size}, options.limits);
  (void)slipway::media::DecodeImage({data, size}, options);
  options.damage = slipway::media::DecodeDamage::kKeep;
  (void)slipway::media::DecodeImage({data, size}, options);
  return 0;
}
