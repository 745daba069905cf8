// WebP through libwebp: lossy and lossless still images. Alpha is dropped, not blended. Left out: animations.
#include <webp/decode.h>

#include <cstring>
#include <memory>

#include "media/byte_order.h"
#include "media/codecs.h"

namespace slipway::media {
namespace {

constexpr size_t kRiffHeader = 12;  // "RIFF", size, "WEBP"
constexpr size_t kChunkHeader = 8;  // name, size

// The EXIF chunk of the extended format, wherever it stands.
int ReadOrientation(Bytes bytes) {
  size_t at = kRiffHeader;
  while (at + kChunkHeader <= bytes.size()) {
    const size_t length = LoadLe32(&bytes[at + 4]);
    if (length > bytes.size() - at - kChunkHeader) return 1;
    if (std::memcmp(&bytes[at], "EXIF", 4) == 0) {
      Bytes exif = bytes.subspan(at + kChunkHeader, length);
      constexpr char kPrefix[] = {'E', 'x', 'i', 'f', 0, 0};  // some writers keep JPEG's
      if (exif.size() > sizeof(kPrefix) && std::memcmp(exif.data(), kPrefix, sizeof(kPrefix)) == 0)
        exif = exif.subspan(sizeof(kPrefix));
      return ReadExifOrientation(exif);
    }
    at += kChunkHeader + length + length % 2;
  }
  return 1;
}

struct DecoderDeleter {
  void operator()(WebPIDecoder* decoder) const { WebPIDelete(decoder); }
};

}  // namespace

Result<ImageInfo> ReadWebpInfo(Bytes bytes) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(bytes.data(), bytes.size(), &features);
  if (status == VP8_STATUS_NOT_ENOUGH_DATA)
    return InvalidImage("webp: the file ends within its header", "fetch the file again");
  if (status != VP8_STATUS_OK || features.width <= 0 || features.height <= 0)
    return InvalidImage("webp: the header is damaged", "fetch the file again");
  if (features.has_animation != 0)
    return Status(Code::kUnsupported, "webp: an animation; still images are read",
                  "extract a frame as an image");
  return ImageInfo{.format = ImageFormat::kWebp,
                   .width = features.width,
                   .height = features.height,
                   .channels = features.has_alpha != 0 ? 4 : 3,
                   .orientation = ReadOrientation(bytes)};
}

Result<Image> DecodeWebp(Bytes bytes, const ImageInfo& info, const DecodeOptions& options) {
  Image image(info.width, info.height, 3);
  const auto stride = static_cast<int>(image.RowElems());
  const std::unique_ptr<WebPIDecoder, DecoderDeleter> decoder(
      WebPINewRGB(MODE_RGB, image.pixels.data(), image.pixels.size(), stride));
  if (decoder == nullptr) return Status(Code::kInternal, "webp: cannot start the decoder");
  const VP8StatusCode status = WebPIUpdate(decoder.get(), bytes.data(), bytes.size());
  const bool is_cut_short = status == VP8_STATUS_SUSPENDED || status == VP8_STATUS_NOT_ENOUGH_DATA;
  if (status != VP8_STATUS_OK && options.damage == DecodeDamage::kReject)
    return InvalidImage(is_cut_short ? "webp: the file is truncated" : "webp: the file is damaged",
                        "fetch the file again");
  return ToRequestedColor(std::move(image), options);
}

}  // namespace slipway::media
