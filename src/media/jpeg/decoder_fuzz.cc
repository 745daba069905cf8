// libFuzzer entry: what the decoder takes of any bytes is what TurboJPEG makes of them, without a warning.
#include <turbojpeg.h>

#include <cstddef>
#include <cstdint>

#include "media/image_io.h"
#include "media/jpeg/decoder.h"

namespace {

using slipway::media::Image;

bool TurboDecode(const uint8_t* data, size_t size, Image* image) {
  tjhandle turbo = tjInitDecompress();
  const int result =
      tjDecompress2(turbo, data, size, image->pixels.data(), image->width, 0, image->height,
                    image->channels == 1 ? TJPF_GRAY : TJPF_RGB, TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING);
  tjDestroy(turbo);
  return result == 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace slipway::media;  // NOLINT: the whole program
  const std::span<const uint8_t> bytes(data, size);
  const auto info = ReadImageInfo(bytes, {.max_pixels = 1 << 16, .max_bytes = 1 << 20});
  if (!info.ok() || info->format != ImageFormat::kJpeg) return 0;
  for (const int channels : {1, 3}) {
    const auto image = jpeg::DecodeBaseline(bytes, info->width, info->height, channels);
    if (!image) continue;
    Image expected(info->width, info->height, channels);
    if (!TurboDecode(data, size, &expected) || *image != expected) __builtin_trap();
  }
  return 0;
}
