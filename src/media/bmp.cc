// BMP: palettes of 1, 2, 4 and 8 bits (plain and run-length encoded), 16 / 24 / 32 bits with or without bit
// masks, bottom-up or top-down. Source: Microsoft's BITMAPINFOHEADER family. Alpha and colour spaces are
// ignored.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>

#include "media/byte_order.h"
#include "media/codecs.h"

namespace slipway::media {
namespace {

constexpr size_t kFileHeaderBytes = 14;
constexpr uint32_t kCoreHeaderBytes = 12;
constexpr uint32_t kInfoHeaderBytes = 40;

enum Compression : uint32_t { kRgb = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3, kAlphaBitFields = 6 };

struct Rgb {
  uint8_t r = 0, g = 0, b = 0;
};

struct Header {
  uint32_t header_bytes = 0;
  uint32_t data_offset = 0;
  int width = 0;
  int height = 0;
  bool is_top_down = false;
  int bits = 0;
  uint32_t compression = kRgb;
  uint32_t colors_used = 0;
  std::array<uint32_t, 3> masks{};  // red, green, blue

  bool IsPalette() const { return bits <= 8; }
  bool IsRunLength() const { return compression == kRle8 || compression == kRle4; }
  int64_t RowBytes() const { return (static_cast<int64_t>(width) * bits + 31) / 32 * 4; }
  // Of row `stored` of the file.
  int RowOf(int stored) const { return is_top_down ? stored : height - 1 - stored; }
};

Status ReadSize(Bytes bytes, Header* header) {
  if (header->header_bytes == kCoreHeaderBytes) {
    header->width = LoadLe16(&bytes[18]);
    header->height = LoadLe16(&bytes[20]);
    header->bits = LoadLe16(&bytes[24]);
    return Status::Ok();
  }
  if (bytes.size() < kFileHeaderBytes + kInfoHeaderBytes)
    return InvalidImage("bmp: the file ends within its header");
  const auto width = static_cast<int32_t>(LoadLe32(&bytes[18]));
  const auto height = static_cast<int32_t>(LoadLe32(&bytes[22]));
  if (height == INT32_MIN) return InvalidImage("bmp: bad height");
  header->width = width;
  header->height = std::abs(height);
  header->is_top_down = height < 0;
  header->bits = LoadLe16(&bytes[28]);
  header->compression = LoadLe32(&bytes[30]);
  header->colors_used = LoadLe32(&bytes[46]);
  return Status::Ok();
}

Status CheckFormat(const Header& h) {
  if (h.width <= 0 || h.height <= 0) return InvalidImage("bmp: width or height is not positive");
  constexpr int kBits[] = {1, 2, 4, 8, 16, 24, 32};
  const bool is_known_depth = std::find(std::begin(kBits), std::end(kBits), h.bits) != std::end(kBits);
  const bool has_masks = h.compression == kBitFields || h.compression == kAlphaBitFields;
  const bool fits = h.compression == kRgb || (h.compression == kRle8 && h.bits == 8) ||
                    (h.compression == kRle4 && h.bits == 4) || (has_masks && (h.bits == 16 || h.bits == 32));
  if (is_known_depth && fits && !(h.IsRunLength() && h.is_top_down)) return Status::Ok();
  return Status(Code::kUnsupported,
                "bmp: " + std::to_string(h.bits) + " bits per pixel with compression " +
                    std::to_string(h.compression) + " is not supported",
                "convert it to PNG");
}

Status ReadMasks(Bytes bytes, Header* header) {
  if (header->compression == kRgb) {
    header->masks = header->bits == 16 ? std::array<uint32_t, 3>{0x7C00, 0x03E0, 0x001F}
                                       : std::array<uint32_t, 3>{0xFF0000, 0x00FF00, 0x0000FF};
    return Status::Ok();
  }
  // Behind a plain info header, or inside a longer one: the same place.
  constexpr size_t kMasksOffset = kFileHeaderBytes + kInfoHeaderBytes;
  if (bytes.size() < kMasksOffset + 12) return InvalidImage("bmp: the file ends within its header");
  for (size_t i = 0; i < 3; ++i) header->masks[i] = LoadLe32(&bytes[kMasksOffset + 4 * i]);
  return Status::Ok();
}

Result<Header> ReadHeader(Bytes bytes) {
  if (bytes.size() < kFileHeaderBytes + kCoreHeaderBytes)
    return InvalidImage("bmp: the file ends within its header");
  Header header{.header_bytes = LoadLe32(&bytes[14]), .data_offset = LoadLe32(&bytes[10])};
  if (header.header_bytes != kCoreHeaderBytes && header.header_bytes < kInfoHeaderBytes) {
    return InvalidImage("bmp: unknown header of " + std::to_string(header.header_bytes) + " bytes");
  }
  SLIPWAY_RETURN_IF_ERROR(ReadSize(bytes, &header));
  SLIPWAY_RETURN_IF_ERROR(CheckFormat(header));
  if (!header.IsRunLength() && !header.IsPalette()) SLIPWAY_RETURN_IF_ERROR(ReadMasks(bytes, &header));
  return header;
}

// 256 entries; those the file lacks are black.
std::array<Rgb, 256> ReadPalette(Bytes bytes, const Header& header) {
  std::array<Rgb, 256> palette{};
  const size_t entry_bytes = header.header_bytes == kCoreHeaderBytes ? 3 : 4;
  const size_t most = size_t{1} << header.bits;
  const size_t count = header.colors_used == 0 ? most : std::min<size_t>(header.colors_used, most);
  size_t at = kFileHeaderBytes + size_t{header.header_bytes};
  for (size_t i = 0; i < count && at + entry_bytes <= bytes.size(); ++i, at += entry_bytes) {
    palette[i] = {bytes[at + 2], bytes[at + 1], bytes[at]};
  }
  return palette;
}

void Put(Rgb color, uint8_t* out) {
  out[0] = color.r;
  out[1] = color.g;
  out[2] = color.b;
}

void ReadPaletteRow(const uint8_t* in, const Header& header, const std::array<Rgb, 256>& palette,
                    uint8_t* out) {
  const int per_byte = 8 / header.bits;
  const int mask = (1 << header.bits) - 1;
  for (int x = 0; x < header.width; ++x) {
    const int shift = 8 - header.bits * (x % per_byte + 1);
    Put(palette[static_cast<size_t>((in[x / per_byte] >> shift) & mask)],
        out + 3 * static_cast<ptrdiff_t>(x));
  }
}

// The bits of `mask`, scaled to 0..255.
uint8_t Extract(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  const uint64_t most = mask >> std::countr_zero(mask);
  const uint64_t value = (pixel & mask) >> std::countr_zero(mask);
  return static_cast<uint8_t>((value * 255 + most / 2) / most);
}

void ReadMaskedRow(const uint8_t* in, const Header& header, uint8_t* out) {
  for (int x = 0; x < header.width; ++x, out += 3) {
    const uint32_t pixel = header.bits == 16 ? LoadLe16(in + 2 * static_cast<ptrdiff_t>(x))
                                             : LoadLe32(in + 4 * static_cast<ptrdiff_t>(x));
    for (size_t c = 0; c < 3; ++c) out[c] = Extract(pixel, header.masks[c]);
  }
}

void ReadBgrRow(const uint8_t* in, const Header& header, uint8_t* out) {
  const int step = header.bits / 8;
  for (int x = 0; x < header.width; ++x, in += step, out += 3) Put({in[2], in[1], in[0]}, out);
}

// Returns the rows that were there.
int ReadRows(Bytes bytes, Bytes data, const Header& header, Image* image) {
  const auto row_bytes = static_cast<size_t>(header.RowBytes());
  const auto palette = header.IsPalette() ? ReadPalette(bytes, header) : std::array<Rgb, 256>{};
  const bool is_bgr = header.bits == 24 || (header.bits == 32 && header.compression == kRgb);
  for (int stored = 0; stored < header.height; ++stored) {
    if (data.size() < row_bytes) return stored;
    uint8_t* out = image->Row(header.RowOf(stored));
    if (header.IsPalette()) {
      ReadPaletteRow(data.data(), header, palette, out);
    } else if (is_bgr) {
      ReadBgrRow(data.data(), header, out);
    } else {
      ReadMaskedRow(data.data(), header, out);
    }
    data = data.subspan(row_bytes);
  }
  return header.height;
}

// Runs of palette indices. An escape (0) ends a line (0), the image (1), moves (2) or introduces literals.
class RunLengthReader {
 public:
  RunLengthReader(Bytes bytes, Bytes data, const Header& header, Image* image)
      : data_(data), header_(header), palette_(ReadPalette(bytes, header)), image_(image) {
    for (size_t i = 0; i < image->pixels.size(); i += 3) Put(palette_[0], &image->pixels[i]);
  }

  // False where the data end before the image does.
  bool Read() {
    while (data_.size() >= 2) {
      const int count = data_[0];
      const int value = data_[1];
      data_ = data_.subspan(2);
      if (count > 0) {
        for (int i = 0; i < count; ++i) PutIndex(IndexIn(static_cast<uint8_t>(value), i));
        continue;
      }
      if (value == 1) return true;
      if (!Escape(value)) return false;
    }
    return stored_row_ >= header_.height;
  }

 private:
  int IndexIn(uint8_t byte, int i) const {
    if (header_.bits == 8) return byte;
    return i % 2 == 0 ? byte >> 4 : byte & 15;
  }

  void PutIndex(int index) {
    if (x_ < header_.width && stored_row_ < header_.height) {
      Put(palette_[static_cast<size_t>(index)], image_->At(x_, header_.RowOf(stored_row_)));
    }
    if (x_ < header_.width) ++x_;
  }

  bool Escape(int value) {
    if (value == 0) {
      x_ = 0;
      ++stored_row_;
      return stored_row_ <= header_.height;
    }
    if (value == 2) {
      if (data_.size() < 2) return false;
      x_ = std::min(x_ + data_[0], header_.width);
      stored_row_ += data_[1];
      data_ = data_.subspan(2);
      return stored_row_ <= header_.height;
    }
    return Literals(value);
  }

  bool Literals(int count) {
    const int per_byte = 8 / header_.bits;
    const auto bytes = static_cast<size_t>((count + per_byte - 1) / per_byte);
    const size_t padded = (bytes + 1) / 2 * 2;
    if (data_.size() < bytes) return false;
    for (int i = 0; i < count; ++i) PutIndex(IndexIn(data_[static_cast<size_t>(i / per_byte)], i));
    data_ = data_.subspan(std::min(padded, data_.size()));
    return true;
  }

  Bytes data_;
  const Header& header_;
  std::array<Rgb, 256> palette_;
  Image* image_;
  int x_ = 0;
  int stored_row_ = 0;
};

}  // namespace

Result<ImageInfo> ReadBmpInfo(Bytes bytes) {
  SLIPWAY_ASSIGN_OR_RETURN(const Header header, ReadHeader(bytes));
  return ImageInfo{
      .format = ImageFormat::kBmp, .width = header.width, .height = header.height, .channels = 3};
}

Result<Image> DecodeBmp(Bytes bytes, const ImageInfo&, const DecodeOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(const Header header, ReadHeader(bytes));
  const Bytes data = bytes.subspan(std::min<size_t>(header.data_offset, bytes.size()));
  const bool must_be_whole = options.damage == DecodeDamage::kReject;
  const Status truncated = InvalidImage(
      "bmp: the file ends before its " + std::to_string(header.height) + " rows do", "fetch the file again");
  // Before the allocation: a short file costs no memory.
  const bool is_short =
      !header.IsRunLength() && header.RowBytes() * header.height > static_cast<int64_t>(data.size());
  if (is_short && must_be_whole) return truncated;
  Image image(header.width, header.height, 3);
  const bool is_whole = header.IsRunLength() ? RunLengthReader(bytes, data, header, &image).Read()
                                             : ReadRows(bytes, data, header, &image) == header.height;
  if (!is_whole && must_be_whole) return truncated;
  return ToRequestedColor(std::move(image), options);
}

}  // namespace slipway::media
