// JPEG 2000 through OpenJPEG: files (.jp2) and bare codestreams (.j2k), grey, RGB and YCC, with or without
// alpha, which is dropped. Samples of other than 8 bits are scaled by their maximum. Left out: palettes'
// alpha, CMYK.
#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "media/codecs.h"

namespace slipway::media {
namespace {

struct Source {
  Bytes bytes;
  size_t at = 0;
  std::string message;
};

OPJ_SIZE_T Read(void* out, OPJ_SIZE_T size, void* user) {
  auto* source = static_cast<Source*>(user);
  if (source->at >= source->bytes.size()) return static_cast<OPJ_SIZE_T>(-1);
  const size_t count = std::min<size_t>(size, source->bytes.size() - source->at);
  std::memcpy(out, source->bytes.data() + source->at, count);
  source->at += count;
  return count;
}
OPJ_OFF_T Skip(OPJ_OFF_T size, void* user) {
  auto* source = static_cast<Source*>(user);
  if (size < 0) return -1;
  const auto count = std::min<OPJ_OFF_T>(size, static_cast<OPJ_OFF_T>(source->bytes.size() - source->at));
  source->at += static_cast<size_t>(count);
  return count;
}
OPJ_BOOL Seek(OPJ_OFF_T offset, void* user) {
  auto* source = static_cast<Source*>(user);
  if (offset < 0 || static_cast<uint64_t>(offset) > source->bytes.size()) return OPJ_FALSE;
  source->at = static_cast<size_t>(offset);
  return OPJ_TRUE;
}

void OnError(const char* message, void* user) {
  auto* source = static_cast<Source*>(user);
  if (source->message.empty()) source->message.assign(message, std::strcspn(message, "\n"));
}
void OnMessage(const char*, void*) {}

// OpenJPEG's codec and stream are both void.
struct CodecDeleter {
  void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
struct StreamDeleter {
  void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
};
struct ImageDeleter {
  void operator()(opj_image_t* image) const { opj_image_destroy(image); }
};

// A codec with its stream and, after ReadHeader, what the header says.
class Decoder {
 public:
  explicit Decoder(Bytes bytes) : source_{.bytes = bytes} {
    const bool is_bare = bytes.size() >= 2 && bytes[0] == 0xFF && bytes[1] == 0x4F;
    codec_.reset(opj_create_decompress(is_bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2));
    stream_.reset(opj_stream_create(OPJ_J2K_STREAM_CHUNK_SIZE, OPJ_TRUE));
    if (codec_ == nullptr || stream_ == nullptr) return;
    opj_stream_set_user_data(stream_.get(), &source_, nullptr);
    opj_stream_set_user_data_length(stream_.get(), bytes.size());
    opj_stream_set_read_function(stream_.get(), Read);
    opj_stream_set_skip_function(stream_.get(), Skip);
    opj_stream_set_seek_function(stream_.get(), Seek);
    opj_set_error_handler(codec_.get(), OnError, &source_);
    opj_set_warning_handler(codec_.get(), OnMessage, nullptr);
    opj_set_info_handler(codec_.get(), OnMessage, nullptr);
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    // Strict whatever damage may stay: where it goes on behind damage, OpenJPEG 2.5.0 reads out of bounds.
    is_ready_ = opj_setup_decoder(codec_.get(), &parameters) == OPJ_TRUE &&
                opj_decoder_set_strict_mode(codec_.get(), OPJ_TRUE) == OPJ_TRUE;
  }

  Status ReadHeader() {
    if (!is_ready_) return Status(Code::kInternal, "jpeg 2000: cannot start the decoder");
    opj_image_t* image = nullptr;
    const bool is_read = opj_read_header(stream_.get(), codec_.get(), &image) == OPJ_TRUE;
    image_.reset(image);
    return is_read && image != nullptr ? Status::Ok() : Damaged();
  }
  bool Decode() {
    return opj_decode(codec_.get(), stream_.get(), image_.get()) == OPJ_TRUE &&
           opj_end_decompress(codec_.get(), stream_.get()) == OPJ_TRUE;
  }
  Status Damaged() const {
    return InvalidImage("jpeg 2000: " + (source_.message.empty() ? "the file is damaged" : source_.message),
                        "fetch the file again");
  }
  const opj_image_t& image() const { return *image_; }

 private:
  Source source_;
  std::unique_ptr<opj_stream_t, StreamDeleter> stream_;
  std::unique_ptr<opj_codec_t, CodecDeleter> codec_;
  std::unique_ptr<opj_image_t, ImageDeleter> image_;
  bool is_ready_ = false;
};

Status CheckComponents(const opj_image_t& image) {
  if (image.numcomps < 1 || image.numcomps > 4)
    return Status(Code::kUnsupported,
                  "jpeg 2000: " + std::to_string(image.numcomps) + " components, expected 1 to 4",
                  "convert it to PNG or JPEG");
  for (OPJ_UINT32 i = 0; i < image.numcomps; ++i) {
    const opj_image_comp_t& component = image.comps[i];
    if (component.prec < 1 || component.prec > 16 || component.dx < 1 || component.dy < 1)
      return Status(Code::kUnsupported, "jpeg 2000: samples of " + std::to_string(component.prec) + " bits",
                    "convert it to PNG or JPEG");
  }
  return Status::Ok();
}

// Samples of one component as 8 bits, at any pixel of the image.
class Plane {
 public:
  Plane(const opj_image_t& image, OPJ_UINT32 which) : component_(image.comps[which]) {
    dx_ = component_.dx / std::max<OPJ_UINT32>(image.comps[0].dx, 1);
    dy_ = component_.dy / std::max<OPJ_UINT32>(image.comps[0].dy, 1);
  }
  bool IsThere() const {
    return component_.data != nullptr && component_.w > 0 && component_.h > 0 && dx_ > 0 && dy_ > 0;
  }
  int At(int x, int y) const {
    const auto column = std::min<uint32_t>(static_cast<uint32_t>(x) / dx_, component_.w - 1);
    const auto row = std::min<uint32_t>(static_cast<uint32_t>(y) / dy_, component_.h - 1);
    int64_t value = component_.data[static_cast<size_t>(row) * component_.w + column];
    const int64_t most = (int64_t{1} << component_.prec) - 1;
    if (component_.sgnd != 0) value += int64_t{1} << (component_.prec - 1);
    value = std::clamp<int64_t>(value, 0, most);
    return static_cast<int>(component_.prec == 8 ? value : (value * 255 + most / 2) / most);
  }

 private:
  const opj_image_comp_t& component_;
  uint32_t dx_ = 1;
  uint32_t dy_ = 1;
};

uint8_t Level(double x) { return static_cast<uint8_t>(std::clamp(x + 0.5, 0.0, 255.0)); }

}  // namespace

Result<ImageInfo> ReadJpeg2000Info(Bytes bytes) {
  Decoder decoder(bytes);
  SLIPWAY_RETURN_IF_ERROR(decoder.ReadHeader());
  const opj_image_t& image = decoder.image();
  SLIPWAY_RETURN_IF_ERROR(CheckComponents(image));
  const opj_image_comp_t& first = image.comps[0];
  if (first.w == 0 || first.h == 0 || first.w > INT32_MAX || first.h > INT32_MAX)
    return InvalidImage("jpeg 2000: bad size " + std::to_string(first.w) + "x" + std::to_string(first.h));
  // A component finer than the first would need more memory than the limit on its size allows.
  for (OPJ_UINT32 i = 1; i < image.numcomps; ++i) {
    if (image.comps[i].dx < first.dx || image.comps[i].dy < first.dy)
      return Status(Code::kUnsupported,
                    "jpeg 2000: component " + std::to_string(i) + " is finer than the first",
                    "convert it to PNG or JPEG");
  }
  return ImageInfo{.format = ImageFormat::kJpeg2000,
                   .width = static_cast<int>(first.w),
                   .height = static_cast<int>(first.h),
                   .channels = static_cast<int>(image.numcomps)};
}

Result<Image> DecodeJpeg2000(Bytes bytes, const ImageInfo& info, const DecodeOptions& options) {
  Decoder decoder(bytes);
  SLIPWAY_RETURN_IF_ERROR(decoder.ReadHeader());
  if (!decoder.Decode()) return decoder.Damaged();
  const opj_image_t& image = decoder.image();
  SLIPWAY_RETURN_IF_ERROR(CheckComponents(image));
  Image rgb(info.width, info.height, 3);
  const bool is_grey = image.numcomps < 3;
  std::vector<Plane> planes;
  for (OPJ_UINT32 i = 0; i < 3; ++i) planes.emplace_back(image, is_grey ? 0 : i);
  const bool are_there =
      std::all_of(planes.begin(), planes.end(), [](const Plane& plane) { return plane.IsThere(); });
  if (!are_there) {
    if (options.damage == DecodeDamage::kReject) return decoder.Damaged();
    return ToRequestedColor(std::move(rgb), options);
  }
  const bool is_ycc = !is_grey && image.color_space == OPJ_CLRSPC_SYCC;
  for (int y = 0; y < info.height; ++y) {
    uint8_t* to = rgb.Row(y);
    for (int x = 0; x < info.width; ++x, to += 3) {
      for (size_t c = 0; c < 3; ++c) to[c] = static_cast<uint8_t>(planes[c].At(x, y));
      if (!is_ycc) continue;
      const double luma = to[0];
      const double blue = to[1] - 128.0;
      const double red = to[2] - 128.0;
      to[0] = Level(luma + 1.402 * red);
      to[1] = Level(luma - 0.344136 * blue - 0.714136 * red);
      to[2] = Level(luma + 1.772 * blue);
    }
  }
  return ToRequestedColor(std::move(rgb), options);
}

}  // namespace slipway::media
