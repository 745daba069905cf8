// TIFF through libtiff: the first page, of 1 to 16 bits a sample, in every colour space and compression that
// libtiff turns into RGBA. Alpha is dropped, not blended.
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstring>
#include <memory>
#include <vector>

#include "media/codecs.h"

namespace slipway::media {
namespace {

constexpr tmsize_t kMaxAllocation = tmsize_t{1} << 30;

// A file in memory, and the first complaint about it.
struct Source {
  Bytes bytes;
  uint64_t at = 0;
  char message[160] = {};
};

Source* SourceOf(thandle_t handle) { return static_cast<Source*>(handle); }

tmsize_t Read(thandle_t handle, void* out, tmsize_t size) {
  Source* source = SourceOf(handle);
  if (size < 0 || source->at >= source->bytes.size()) return 0;
  const size_t count = std::min<uint64_t>(static_cast<uint64_t>(size), source->bytes.size() - source->at);
  std::memcpy(out, source->bytes.data() + source->at, count);
  source->at += count;
  return static_cast<tmsize_t>(count);
}
tmsize_t Write(thandle_t, void*, tmsize_t) { return 0; }
toff_t Seek(thandle_t handle, toff_t offset, int whence) {
  Source* source = SourceOf(handle);
  const uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? source->at : source->bytes.size();
  source->at = base + offset;
  return source->at;
}
int Close(thandle_t) { return 0; }
toff_t Size(thandle_t handle) { return SourceOf(handle)->bytes.size(); }
int Map(thandle_t handle, void** base, toff_t* size) {
  *base = const_cast<uint8_t*>(SourceOf(handle)->bytes.data());  // libtiff only reads it
  *size = SourceOf(handle)->bytes.size();
  return 1;
}
void Unmap(thandle_t, void*, toff_t) {}

int OnError(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto* source = static_cast<Source*>(user);
  if (source->message[0] == 0) std::vsnprintf(source->message, sizeof(source->message), format, arguments);
  return 1;
}
int OnWarning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

struct TiffDeleter {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using TiffHandle = std::unique_ptr<TIFF, TiffDeleter>;

struct OptionsDeleter {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

TiffHandle Open(Source* source) {
  const std::unique_ptr<TIFFOpenOptions, OptionsDeleter> options(TIFFOpenOptionsAlloc());
  if (options == nullptr) return nullptr;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxAllocation);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), OnError, source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), OnWarning, nullptr);
  return TiffHandle(
      TIFFClientOpenExt("tiff", "r", source, Read, Write, Seek, Close, Size, Map, Unmap, options.get()));
}

Status Damaged(const Source& source) {
  const bool is_said = source.message[0] != 0;
  return InvalidImage(std::string("tiff: ") + (is_said ? source.message : "the file is damaged"),
                      "fetch the file again");
}

template <class T>
T Field(TIFF* tiff, uint32_t tag, T otherwise) {
  T value = otherwise;
  return TIFFGetFieldDefaulted(tiff, tag, &value) == 1 ? value : otherwise;
}

// libtiff would multiply the colours by an alpha that is no part of them: it is told that this one is.
void KeepColours(TIFF* tiff) {
  uint16_t count = 0;
  uint16_t* kinds = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) != 1 || count == 0) return;
  std::vector<uint16_t> same(kinds, kinds + count);
  if (same[0] != EXTRASAMPLE_UNASSALPHA) return;
  same[0] = EXTRASAMPLE_ASSOCALPHA;
  TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, count, same.data());
}

class RgbaReader {
 public:
  RgbaReader(TIFF* tiff, DecodeDamage damage) {
    is_open_ = TIFFRGBAImageBegin(&image_, tiff, damage == DecodeDamage::kReject ? 1 : 0, message_) == 1;
  }
  ~RgbaReader() {
    if (is_open_) TIFFRGBAImageEnd(&image_);
  }
  RgbaReader(const RgbaReader&) = delete;
  RgbaReader& operator=(const RgbaReader&) = delete;

  bool is_open() const { return is_open_; }
  const char* message() const { return message_; }
  // As stored, the top row first.
  bool Get(std::vector<uint32_t>* raster, const ImageInfo& info) {
    image_.req_orientation = ORIENTATION_TOPLEFT;
    image_.orientation = ORIENTATION_TOPLEFT;
    return TIFFRGBAImageGet(&image_, raster->data(), static_cast<uint32_t>(info.width),
                            static_cast<uint32_t>(info.height)) == 1;
  }

 private:
  TIFFRGBAImage image_ = {};
  char message_[1024] = {};
  bool is_open_ = false;
};

}  // namespace

Result<ImageInfo> ReadTiffInfo(Bytes bytes) {
  Source source{.bytes = bytes};
  const TiffHandle tiff = Open(&source);
  if (tiff == nullptr) return Damaged(source);
  const auto width = Field<uint32_t>(tiff.get(), TIFFTAG_IMAGEWIDTH, 0);
  const auto height = Field<uint32_t>(tiff.get(), TIFFTAG_IMAGELENGTH, 0);
  if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX)
    return InvalidImage("tiff: bad size " + std::to_string(width) + "x" + std::to_string(height));
  const int samples = Field<uint16_t>(tiff.get(), TIFFTAG_SAMPLESPERPIXEL, 1);
  const int orientation = Field<uint16_t>(tiff.get(), TIFFTAG_ORIENTATION, 1);
  const bool is_palette = Field<uint16_t>(tiff.get(), TIFFTAG_PHOTOMETRIC, 0) == PHOTOMETRIC_PALETTE;
  return ImageInfo{.format = ImageFormat::kTiff,
                   .width = static_cast<int>(width),
                   .height = static_cast<int>(height),
                   .channels = is_palette ? 3 : std::min(samples, 4),
                   .orientation = orientation >= 1 && orientation <= 8 ? orientation : 1};
}

Result<Image> DecodeTiff(Bytes bytes, const ImageInfo& info, const DecodeOptions& options) {
  Source source{.bytes = bytes};
  const TiffHandle tiff = Open(&source);
  if (tiff == nullptr) return Damaged(source);
  KeepColours(tiff.get());
  RgbaReader reader(tiff.get(), options.damage);
  if (!reader.is_open())
    return Status(Code::kUnsupported, std::string("tiff: ") + reader.message(), "convert it to PNG or JPEG");
  std::vector<uint32_t> raster(static_cast<size_t>(info.width) * static_cast<size_t>(info.height), 0);
  if (!reader.Get(&raster, info) && options.damage == DecodeDamage::kReject) return Damaged(source);
  Image image(info.width, info.height, 3);
  for (size_t i = 0; i < raster.size(); ++i) {
    image.pixels[3 * i] = static_cast<uint8_t>(TIFFGetR(raster[i]));
    image.pixels[3 * i + 1] = static_cast<uint8_t>(TIFFGetG(raster[i]));
    image.pixels[3 * i + 2] = static_cast<uint8_t>(TIFFGetB(raster[i]));
  }
  return ToRequestedColor(std::move(image), options);
}

}  // namespace slipway::media
