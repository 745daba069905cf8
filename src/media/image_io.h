// Images from files (JPEG, PNG, BMP, PNM (PBM, PGM, PPM), WebP, TIFF, JPEG 2000) and to files (JPEG, PNG,
// PNM).
//
// Files are hostile: sizes are read from the header and bounded before anything is decoded or allocated. What
// is no image of these kinds (an HTML page, a Git LFS pointer, GIF ...) is recognised by its first bytes and
// named. Left out: colour profiles and gamma (as OpenCV and PIL do when they merely load), animation,
// metadata.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "media/image.h"
#include "slipway/status.h"

namespace slipway::media {

enum class ImageFormat { kJpeg, kPng, kBmp, kPnm, kWebp, kTiff, kJpeg2000 };
// "JPEG", "PNG", ..., "JPEG 2000"
std::string_view FormatName(ImageFormat format);

struct ImageInfo {
  ImageFormat format = ImageFormat::kJpeg;
  int width = 0;  // as stored, before the orientation is applied
  int height = 0;
  int channels = 0;  // of the file: 1 grey, 2 grey + alpha, 3 colour (palettes too), 4 colour + alpha or CMYK
  int orientation = 1;  // EXIF, 1..8; 1 is upright
};

struct DecodeLimits {
  int64_t max_pixels = 100'000'000;        // width * height
  int64_t max_bytes = int64_t{256} << 20;  // of the encoded file
};

enum class DecodeColor { kRgb, kGrey };
enum class DecodeOrientation { kApply, kIgnore };
// A file that ends early: an error, or the rows that are there (the rest grey or black). JPEG 2000: an error.
enum class DecodeDamage { kReject, kKeep };

struct DecodeOptions {
  DecodeColor color = DecodeColor::kRgb;
  DecodeOrientation orientation = DecodeOrientation::kApply;
  DecodeDamage damage = DecodeDamage::kReject;
  DecodeLimits limits;
};

// From the header alone; fails where DecodeImage would by format or by limits.
Result<ImageInfo> ReadImageInfo(std::span<const uint8_t> bytes, const DecodeLimits& limits = {});

// 8 bits per channel, RGB (3 channels) or grey (1), upright.
// 16-bit samples keep their high byte (PNG) or are scaled by their maximum (PNM, TIFF, JPEG 2000). Alpha is
// dropped, not blended, like PIL's convert("RGB"). CMYK is taken as Adobe writes it (inverted). Grey is
// BT.601 luma.
Result<Image> DecodeImage(std::span<const uint8_t> bytes, const DecodeOptions& options = {});
Result<Image> LoadImage(const std::string& path, const DecodeOptions& options = {});

// Resolution of a JPEG's colour: as its brightness, or half of it both ways. kByQuality: full from 90 on.
enum class JpegColor { kByQuality, kFull, kHalf };
// kSmall: a third of the time of zlib's default for a few percent more bytes. kFast: as OpenCV writes by
// default (level 1, run lengths, filter Sub).
enum class PngEffort { kSmall, kFast };

// image: 1, 3 or 4 channels; JPEG drops alpha. quality: 1..100.
Result<std::vector<uint8_t>> EncodeJpeg(const Image& image, int quality = 92,
                                        JpegColor color = JpegColor::kByQuality);
Result<std::vector<uint8_t>> EncodePng(const Image& image, PngEffort effort = PngEffort::kSmall);
// P5 for one channel, P6 otherwise.
Result<std::vector<uint8_t>> EncodePnm(const Image& image);
// Format by the extension: .jpg .jpeg .png .ppm .pgm .pnm
Status SaveImage(const std::string& path, const Image& image);

}  // namespace slipway::media
