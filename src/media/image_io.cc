#include "media/image_io.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "base/file.h"
#include "media/codecs.h"
#include "media/orientation.h"
#include "media/pixels.h"

namespace slipway::media {
namespace {

constexpr std::string_view kKnownFormats = "JPEG, PNG, BMP, PPM, PGM, PBM, WebP, TIFF or JPEG 2000";

bool StartsWith(Bytes bytes, std::string_view prefix, size_t offset = 0) {
  return bytes.size() >= offset + prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), bytes.begin() + static_cast<ptrdiff_t>(offset),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

// Of either byte order, and of files beyond 4 GiB.
constexpr std::array kTiffMagics = {std::string_view("II*\0", 4), std::string_view("MM\0*", 4),
                                    std::string_view("II+\0", 4), std::string_view("MM\0+", 4)};

std::optional<ImageFormat> Recognise(Bytes bytes) {
  if (StartsWith(bytes, "\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (StartsWith(bytes, "\x89PNG\r\n\x1A\n")) return ImageFormat::kPng;
  if (StartsWith(bytes, "BM")) return ImageFormat::kBmp;
  if (StartsWith(bytes, "RIFF") && StartsWith(bytes, "WEBP", 8)) return ImageFormat::kWebp;
  for (const std::string_view magic : kTiffMagics) {
    if (StartsWith(bytes, magic)) return ImageFormat::kTiff;
  }
  if (StartsWith(bytes, "\xFF\x4F\xFF\x51") || StartsWith(bytes, "jP  \r\n\x87\n", 4))
    return ImageFormat::kJpeg2000;
  const bool is_pnm = bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' &&
                      (std::isspace(bytes[2]) || bytes[2] == '#');
  if (is_pnm) return ImageFormat::kPnm;
  return std::nullopt;
}

// What people hand over instead of an image we read.
struct Lookalike {
  std::string_view prefix;
  size_t offset;
  std::string_view name;
  std::string_view hint;
};
constexpr std::string_view kConvert = "convert it to PNG or JPEG";
constexpr std::array kLookalikes = std::to_array<Lookalike>({
    {"GIF8", 0, "a GIF image", kConvert},
    {"ftypavif", 4, "an AVIF image", kConvert},
    {"ftyphei", 4, "a HEIC image", kConvert},
    {"ftyphev", 4, "a HEIC image", kConvert},
    {"ftypmif1", 4, "a HEIF image", kConvert},
    {"ftyp", 4, "an MP4 or similar media file", "extract its frames as images"},
    {"\xFF\x0A", 0, "a JPEG XL image", kConvert},
    {"JXL ", 4, "a JPEG XL image", kConvert},
    {"P7", 0, "a PAM image", kConvert},
    {"RIFF", 0, "a RIFF file (WAV or AVI)", "pass an image"},
    {"%PDF", 0, "a PDF document", "export its page as an image"},
    {std::string_view("PK\x03\x04", 4), 0, "a zip archive", "unpack it and pass the images"},
    {"\x1F\x8B", 0, "a gzip file", "unpack it and pass the images"},
    {"version https://git-lfs", 0, "a Git LFS pointer, not the file itself",
     "run 'git lfs pull' to fetch it"},
});

bool LooksLikeMarkup(Bytes bytes) {
  const auto begin = std::find_if(bytes.begin(), bytes.end(), [](uint8_t c) { return !std::isspace(c); });
  return begin != bytes.end() && *begin == '<';
}

Status NameLookalike(Bytes bytes) {
  if (bytes.empty()) return InvalidImage("the file is empty", "fetch the file again");
  for (const Lookalike& other : kLookalikes) {
    if (!StartsWith(bytes, other.prefix, other.offset)) continue;
    return Status(Code::kInvalidInput, "this is " + std::string(other.name), std::string(other.hint));
  }
  if (LooksLikeMarkup(bytes)) {
    return InvalidImage("this is an HTML, XML or SVG text, not an image",
                        "check the address it was downloaded from");
  }
  return InvalidImage("not an image of a known format", "pass " + std::string(kKnownFormats));
}

Result<ImageInfo> ReadInfo(Bytes bytes, ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg: return ReadJpegInfo(bytes);
    case ImageFormat::kPng: return ReadPngInfo(bytes);
    case ImageFormat::kBmp: return ReadBmpInfo(bytes);
    case ImageFormat::kPnm: return ReadPnmInfo(bytes);
    case ImageFormat::kWebp: return ReadWebpInfo(bytes);
    case ImageFormat::kTiff: return ReadTiffInfo(bytes);
    case ImageFormat::kJpeg2000: return ReadJpeg2000Info(bytes);
  }
  return Status(Code::kInternal, "unknown image format");
}

Result<Image> DecodePixels(Bytes bytes, const ImageInfo& info, const DecodeOptions& options) {
  switch (info.format) {
    case ImageFormat::kJpeg: return DecodeJpeg(bytes, info, options);
    case ImageFormat::kPng: return DecodePng(bytes, info, options);
    case ImageFormat::kBmp: return DecodeBmp(bytes, info, options);
    case ImageFormat::kPnm: return DecodePnm(bytes, info, options);
    case ImageFormat::kWebp: return DecodeWebp(bytes, info, options);
    case ImageFormat::kTiff: return DecodeTiff(bytes, info, options);
    case ImageFormat::kJpeg2000: return DecodeJpeg2000(bytes, info, options);
  }
  return Status(Code::kInternal, "unknown image format");
}

std::string LowerExtension(const std::string& path) {
  const size_t dot = path.find_last_of('.');
  if (dot == std::string::npos || path.find('/', dot) != std::string::npos) return "";
  std::string extension = path.substr(dot);
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

Result<std::vector<uint8_t>> EncodeByExtension(const std::string& extension, const Image& image) {
  if (extension == ".jpg" || extension == ".jpeg") return EncodeJpeg(image);
  if (extension == ".png") return EncodePng(image);
  if (extension == ".ppm" || extension == ".pgm" || extension == ".pnm") return EncodePnm(image);
  return Status(Code::kUsage, "cannot save an image as '" + extension + "'",
                "name it .jpg, .png, .ppm or .pgm");
}

}  // namespace

std::string_view FormatName(ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg: return "JPEG";
    case ImageFormat::kPng: return "PNG";
    case ImageFormat::kBmp: return "BMP";
    case ImageFormat::kPnm: return "PNM";
    case ImageFormat::kWebp: return "WebP";
    case ImageFormat::kTiff: return "TIFF";
    case ImageFormat::kJpeg2000: return "JPEG 2000";
  }
  return "unknown";
}

Image ToRequestedColor(Image rgb, const DecodeOptions& options) {
  return options.color == DecodeColor::kGrey ? GreyFromRgb(rgb) : std::move(rgb);
}

Result<ImageInfo> ReadImageInfo(std::span<const uint8_t> bytes, const DecodeLimits& limits) {
  const std::optional<ImageFormat> format = Recognise(bytes);
  if (!format.has_value()) return NameLookalike(bytes);
  if (static_cast<int64_t>(bytes.size()) > limits.max_bytes) {
    return InvalidImage("the file has " + std::to_string(bytes.size()) + " bytes, the limit is " +
                        std::to_string(limits.max_bytes));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ImageInfo info, ReadInfo(bytes, *format));
  if (static_cast<int64_t>(info.width) > limits.max_pixels / info.height) {
    return InvalidImage("the image has " + std::to_string(info.width) + "x" + std::to_string(info.height) +
                            " pixels, the limit is " + std::to_string(limits.max_pixels),
                        "scale it down first");
  }
  return info;
}

Result<Image> DecodeImage(std::span<const uint8_t> bytes, const DecodeOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(const ImageInfo info, ReadImageInfo(bytes, options.limits));
  SLIPWAY_ASSIGN_OR_RETURN(Image image, DecodePixels(bytes, info, options));
  if (options.orientation == DecodeOrientation::kIgnore) return image;
  return ApplyExifOrientation(std::move(image), info.orientation);
}

Result<Image> LoadImage(const std::string& path, const DecodeOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  Result<Image> image = DecodeImage(file.bytes(), options);
  if (!image.ok()) return image.status().WithContext("'" + path + "'");
  return image;
}

Status SaveImage(const std::string& path, const Image& image) {
  Result<std::vector<uint8_t>> bytes = EncodeByExtension(LowerExtension(path), image);
  if (!bytes.ok()) return bytes.status().WithContext("'" + path + "'");
  return WriteFile(path, std::span<const uint8_t>(*bytes));
}

}  // namespace slipway::media
