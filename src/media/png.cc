// PNG through libpng. 16-bit samples keep their high byte, alpha is dropped (PIL's and OpenCV's rules).
//
// libpng reports errors by longjmp: the functions that call setjmp hold no object with a destructor, and all
// memory belongs to frames above them.
#include <png.h>
#include <zlib.h>

#include <csetjmp>
#include <cstring>

#include "media/byte_order.h"
#include "media/codecs.h"

namespace slipway::media {
namespace {

constexpr size_t kSignatureBytes = 8;
constexpr size_t kChunkOverhead = 12;  // length, type, CRC

struct PngError {
  char message[160] = {};
};

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  auto* error = static_cast<PngError*>(png_get_error_ptr(png));
  std::strncpy(error->message, message, sizeof(error->message) - 1);
  png_longjmp(png, 1);
}
void OnWarning(png_structp, png_const_charp) {}

struct Reader {
  PngError error;
  Bytes rest;
  bool is_cut_short = false;
  png_structp png = nullptr;
  png_infop info = nullptr;

  explicit Reader(Bytes bytes) : rest(bytes) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &error, OnError, OnWarning);
    if (png != nullptr) info = png_create_info_struct(png);
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

void ReadBytes(png_structp png, png_bytep out, size_t count) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader->rest.size()) {
    reader->is_cut_short = true;
    png_error(png, "the file is truncated");
  }
  std::memcpy(out, reader->rest.data(), count);
  reader->rest = reader->rest.subspan(count);
}

// Text and colour profiles may unpack to any size and change nothing here.
void SkipAncillaryChunks(png_structp png) {
  static const png_byte kChunks[] = "iCCP\0zTXt\0iTXt\0tEXt\0sPLT\0eXIf\0hIST\0gAMA\0cHRM\0sRGB";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, kChunks, 10);
}

// Decodes into image (RGB, sized by the header). False: reader->error says why.
bool ReadRows(Reader* reader, Image* image) {
  png_structp png = reader->png;
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_set_read_fn(png, reader, ReadBytes);
  png_set_user_limits(png, static_cast<png_uint_32>(image->width), static_cast<png_uint_32>(image->height));
  SkipAncillaryChunks(png);
  png_read_info(png, reader->info);
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_gray_to_rgb(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, reader->info);
  if (png_get_rowbytes(png, reader->info) != image->RowElems()) png_error(png, "rows of an unexpected size");
  for (int pass = 0; pass < passes; ++pass) {
    for (int y = 0; y < image->height; ++y) png_read_row(png, image->Row(y), nullptr);
  }
  return true;
}

struct Writer {
  PngError error;
  std::vector<uint8_t> bytes;
  png_structp png = nullptr;
  png_infop info = nullptr;

  Writer() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &error, OnError, OnWarning);
    if (png != nullptr) info = png_create_info_struct(png);
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

void WriteBytes(png_structp png, png_bytep data, size_t count) {
  auto* writer = static_cast<Writer*>(png_get_io_ptr(png));
  writer->bytes.insert(writer->bytes.end(), data, data + count);
}
void Flush(png_structp) {}

bool WriteRows(Writer* writer, const Image& image, int color_type, PngEffort effort) {
  png_structp png = writer->png;
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_set_write_fn(png, writer, WriteBytes, Flush);
  if (effort == PngEffort::kFast) {
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_set_compression_level(png, Z_BEST_SPEED);
    png_set_compression_strategy(png, Z_RLE);
  } else {
    png_set_compression_level(png, 4);
  }
  png_set_IHDR(png, writer->info, static_cast<png_uint_32>(image.width),
               static_cast<png_uint_32>(image.height), 8, color_type, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, writer->info);
  for (int y = 0; y < image.height; ++y) png_write_row(png, image.Row(y));
  png_write_end(png, nullptr);
  return true;
}

// The eXIf chunk, where one stands before the pixels.
int ReadOrientation(Bytes bytes) {
  size_t at = kSignatureBytes;
  while (bytes.size() - at >= kChunkOverhead) {
    const size_t length = LoadBe32(&bytes[at]);
    if (length > bytes.size() - at - kChunkOverhead || std::memcmp(&bytes[at + 4], "IDAT", 4) == 0) return 1;
    if (std::memcmp(&bytes[at + 4], "eXIf", 4) == 0)
      return ReadExifOrientation(bytes.subspan(at + 8, length));
    at += kChunkOverhead + length;
  }
  return 1;
}

}  // namespace

Result<ImageInfo> ReadPngInfo(Bytes bytes) {
  constexpr int kChannels[] = {1, 0, 3, 3, 2, 0, 4};
  if (bytes.size() < kSignatureBytes + kChunkOverhead + 13 || std::memcmp(&bytes[12], "IHDR", 4) != 0) {
    return InvalidImage("png: the file ends within its header", "fetch the file again");
  }
  const uint32_t width = LoadBe32(&bytes[16]);
  const uint32_t height = LoadBe32(&bytes[20]);
  const int color_type = bytes[25];
  if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX) {
    return InvalidImage("png: bad size " + std::to_string(width) + "x" + std::to_string(height));
  }
  if (color_type > 6 || kChannels[color_type] == 0) {
    return InvalidImage("png: unknown colour type " + std::to_string(color_type));
  }
  return ImageInfo{.format = ImageFormat::kPng,
                   .width = static_cast<int>(width),
                   .height = static_cast<int>(height),
                   .channels = kChannels[color_type],
                   .orientation = ReadOrientation(bytes)};
}

Result<Image> DecodePng(Bytes bytes, const ImageInfo& info, const DecodeOptions& options) {
  Reader reader(bytes);
  if (reader.info == nullptr) return Status(Code::kInternal, "png: cannot start the decoder");
  Image image(info.width, info.height, 3);
  if (!ReadRows(&reader, &image)) {
    if (!reader.is_cut_short || options.damage == DecodeDamage::kReject) {
      return InvalidImage(std::string("png: ") + reader.error.message, "fetch the file again");
    }
  }
  return ToRequestedColor(std::move(image), options);
}

Result<std::vector<uint8_t>> EncodePng(const Image& image, PngEffort effort) {
  constexpr int kColorTypes[] = {-1, PNG_COLOR_TYPE_GRAY, -1, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGBA};
  if (!image.IsValid() || image.channels > 4 || kColorTypes[image.channels] < 0) {
    return InvalidImage("png: cannot encode an image of " + std::to_string(image.channels) +
                        " channels, expected 1, 3 or 4 and as many pixels as its size says");
  }
  Writer writer;
  if (writer.info == nullptr) return Status(Code::kInternal, "png: cannot start the encoder");
  if (!WriteRows(&writer, image, kColorTypes[image.channels], effort)) {
    return InvalidImage(std::string("png: ") + writer.error.message);
  }
  return std::move(writer.bytes);
}

}  // namespace slipway::media
