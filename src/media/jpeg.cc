// JPEG: our own walk over the markers for size and EXIF; for the pixels a decoder of our own where it takes
// the file, TurboJPEG elsewhere.
//
// Source: ITU T.81 (markers), Adobe TN 5116 (inverted CMYK).
#include <turbojpeg.h>

#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "media/byte_order.h"
#include "media/codecs.h"
#include "media/jpeg/decoder.h"

namespace slipway::media {
namespace {

constexpr uint8_t kMarkerSos = 0xDA;
constexpr uint8_t kMarkerEoi = 0xD9;
constexpr uint8_t kMarkerApp1 = 0xE1;

struct TurboDeleter {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using TurboHandle = std::unique_ptr<void, TurboDeleter>;

bool IsStandalone(uint8_t marker) { return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8); }

bool IsFrameHeader(uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// segment: a start-of-frame segment after its length.
Status ReadFrame(Bytes segment, ImageInfo* info) {
  if (segment.size() < 6) return InvalidImage("jpeg: frame header is cut short");
  if (segment[0] != 8) {
    return Status(Code::kUnsupported,
                  "jpeg: " + std::to_string(segment[0]) + " bits per sample, only 8 are supported",
                  "convert it to a baseline JPEG or a PNG");
  }
  info->height = LoadBe16(&segment[1]);
  info->width = LoadBe16(&segment[3]);
  info->channels = segment[5];
  if (info->width == 0 || info->height == 0) return InvalidImage("jpeg: width or height is 0");
  if (info->channels != 1 && info->channels != 3 && info->channels != 4) {
    return InvalidImage("jpeg: " + std::to_string(info->channels) + " components, expected 1, 3 or 4");
  }
  return Status::Ok();
}

void ReadExif(Bytes segment, ImageInfo* info) {
  constexpr char kPrefix[] = {'E', 'x', 'i', 'f', 0, 0};
  if (segment.size() < sizeof(kPrefix) || std::memcmp(segment.data(), kPrefix, sizeof(kPrefix)) != 0) return;
  info->orientation = ReadExifOrientation(segment.subspan(sizeof(kPrefix)));
}

// CMYK as Adobe stores it, 255 meaning no ink; each product rounded as PIL rounds it.
Image RgbFromInvertedCmyk(const Image& cmyk) {
  Image rgb(cmyk.width, cmyk.height, 3);
  const uint8_t* in = cmyk.pixels.data();
  for (size_t i = 0; i < rgb.pixels.size(); i += 3, in += 4) {
    const int paper = in[3];
    for (size_t c = 0; c < 3; ++c) {
      const int product = (255 - in[c]) * paper + 128;
      rgb.pixels[i + c] = static_cast<uint8_t>(paper - ((product + (product >> 8)) >> 8));
    }
  }
  return rgb;
}

enum class OnWarning { kStop, kGoOn };

struct Attempt {
  bool is_warning = false;  // of those that leave a picture behind
  std::string message;      // empty: all is well. The first problem with kStop, the last with kGoOn.

  bool IsCutShort() const { return message.find("remature end") != std::string::npos; }
};

Attempt TryDecompress(Bytes bytes, int pixel_format, OnWarning on_warning, Image* image) {
  TurboHandle turbo(tjInitDecompress());
  if (turbo == nullptr) return {.message = "cannot start the decoder"};
  // The scan limit stops progressive files made of thousands of empty scans, which take minutes to decode.
  const int flags =
      TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT | (on_warning == OnWarning::kStop ? TJFLAG_STOPONWARNING : 0);
  const int result = tjDecompress2(turbo.get(), bytes.data(), bytes.size(), image->pixels.data(),
                                   image->width, 0, image->height, pixel_format, flags);
  if (result == 0) return {};
  return {.is_warning = tjGetErrorCode(turbo.get()) == TJERR_WARNING, .message = tjGetErrorStr2(turbo.get())};
}

// A file cut short is refused; one with a blemish decoders shrug off (stray bytes, an odd Adobe marker) is
// not.
Status Decompress(Bytes bytes, DecodeDamage damage, int pixel_format, Image* image) {
  Attempt attempt;
  if (damage == DecodeDamage::kReject) {
    attempt = TryDecompress(bytes, pixel_format, OnWarning::kStop, image);
    if (attempt.message.empty()) return Status::Ok();
  }
  if (!attempt.IsCutShort()) attempt = TryDecompress(bytes, pixel_format, OnWarning::kGoOn, image);
  if (attempt.message.empty() || (attempt.is_warning && damage == DecodeDamage::kKeep)) return Status::Ok();
  if (attempt.is_warning && !attempt.IsCutShort()) return Status::Ok();
  if (!attempt.IsCutShort()) return InvalidImage("jpeg: " + attempt.message, "fetch the file again");
  return InvalidImage("jpeg: the file is truncated or damaged (" + attempt.message + ")",
                      "fetch the file again");
}

}  // namespace

Result<ImageInfo> ReadJpegInfo(Bytes bytes) {
  ImageInfo info{.format = ImageFormat::kJpeg};
  size_t at = 2;
  while (at + 4 <= bytes.size()) {
    if (bytes[at] != 0xFF) {  // garbage between segments, which decoders skip
      ++at;
      continue;
    }
    const uint8_t marker = bytes[at + 1];
    if (marker == 0xFF || marker == 0 || IsStandalone(marker)) {
      at += marker == 0xFF ? 1 : 2;
      continue;
    }
    if (marker == kMarkerSos || marker == kMarkerEoi)
      return InvalidImage("jpeg: no frame header before the data");
    const size_t length = LoadBe16(&bytes[at + 2]);
    if (length < 2 || length > bytes.size() - at - 2) break;
    const Bytes segment = bytes.subspan(at + 4, length - 2);
    if (marker == kMarkerApp1) ReadExif(segment, &info);
    if (IsFrameHeader(marker)) {
      SLIPWAY_RETURN_IF_ERROR(ReadFrame(segment, &info));
      return info;
    }
    at += 2 + length;
  }
  return InvalidImage("jpeg: the file ends within its header", "fetch the file again");
}

Result<Image> DecodeJpeg(Bytes bytes, const ImageInfo& info, const DecodeOptions& options) {
  if (info.channels == 4) {
    Image cmyk(info.width, info.height, 4);
    SLIPWAY_RETURN_IF_ERROR(Decompress(bytes, options.damage, TJPF_CMYK, &cmyk));
    return ToRequestedColor(RgbFromInvertedCmyk(cmyk), options);
  }
  const bool is_grey = options.color == DecodeColor::kGrey;
  const int channels = is_grey ? 1 : 3;
  if (auto baseline = jpeg::DecodeBaseline(bytes, info.width, info.height, channels))
    return std::move(*baseline);
  Image image(info.width, info.height, channels);
  SLIPWAY_RETURN_IF_ERROR(Decompress(bytes, options.damage, is_grey ? TJPF_GRAY : TJPF_RGB, &image));
  return image;
}

Result<std::vector<uint8_t>> EncodeJpeg(const Image& image, int quality, JpegColor color) {
  constexpr int kPixelFormats[] = {TJPF_UNKNOWN, TJPF_GRAY, TJPF_UNKNOWN, TJPF_RGB, TJPF_RGBX};
  if (!image.IsValid() || image.channels > 4 || kPixelFormats[image.channels] == TJPF_UNKNOWN) {
    return InvalidImage("jpeg: cannot encode an image of " + std::to_string(image.channels) +
                        " channels, expected 1, 3 or 4 and as many pixels as its size says");
  }
  if (quality < 1 || quality > 100) {
    return Status(Code::kUsage, "jpeg: quality " + std::to_string(quality) + " is outside 1..100");
  }
  TurboHandle turbo(tjInitCompress());
  if (turbo == nullptr) return Status(Code::kInternal, "jpeg: cannot start the encoder");
  const bool is_full = color == JpegColor::kByQuality ? quality >= 90 : color == JpegColor::kFull;
  const int subsampling = image.channels == 1 ? TJSAMP_GRAY : is_full ? TJSAMP_444 : TJSAMP_420;
  unsigned char* buffer = nullptr;
  unsigned long size = 0;  // NOLINT: TurboJPEG's type
  const int result =
      tjCompress2(turbo.get(), image.pixels.data(), image.width, 0, image.height,
                  kPixelFormats[image.channels], &buffer, &size, subsampling, quality, TJFLAG_ACCURATEDCT);
  std::unique_ptr<unsigned char, decltype(&tjFree)> owner(buffer, &tjFree);
  if (result != 0) return InvalidImage(std::string("jpeg: ") + tjGetErrorStr2(turbo.get()));
  return std::vector<uint8_t>(buffer, buffer + size);
}

}  // namespace slipway::media
