// PNM: PBM, PGM and PPM, plain (P1 P2 P3) and raw (P4 P5 P6), one image per file. Source: Netpbm's format
// pages.
#include <algorithm>

#include "media/codecs.h"
#include "media/pixels.h"

namespace slipway::media {
namespace {

constexpr int kMaxNumber = 1 << 30;

bool IsSpace(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsDigit(uint8_t c) { return c >= '0' && c <= '9'; }

// Reads the text of a header or of a plain file.
class Scanner {
 public:
  explicit Scanner(Bytes bytes) : bytes_(bytes) {}

  size_t position() const { return at_; }
  void Skip(size_t count) { at_ += count; }

  // The next number, or -1 where there is none or it is absurd.
  int Number() {
    SkipBlanks();
    if (at_ >= bytes_.size() || !IsDigit(bytes_[at_])) return -1;
    int value = 0;
    for (; at_ < bytes_.size() && IsDigit(bytes_[at_]); ++at_) {
      value = value * 10 + (bytes_[at_] - '0');
      if (value > kMaxNumber / 10) return -1;
    }
    return value;
  }

  // The next bit of a plain bitmap, whose digits need no space between them; -1 where there is none.
  int Bit() {
    SkipBlanks();
    if (at_ >= bytes_.size() || (bytes_[at_] != '0' && bytes_[at_] != '1')) return -1;
    return bytes_[at_++] - '0';
  }

 private:
  void SkipBlanks() {
    while (at_ < bytes_.size()) {
      if (bytes_[at_] == '#') {
        while (at_ < bytes_.size() && bytes_[at_] != '\n') ++at_;
      } else if (IsSpace(bytes_[at_])) {
        ++at_;
      } else {
        return;
      }
    }
  }

  Bytes bytes_;
  size_t at_ = 0;
};

struct Header {
  int kind = 0;  // the digit after P
  int width = 0;
  int height = 0;
  int max_value = 1;
  size_t data_offset = 0;

  bool IsBitmap() const { return kind == 1 || kind == 4; }
  bool IsPlain() const { return kind <= 3; }
  int Channels() const { return kind == 3 || kind == 6 ? 3 : 1; }
  // Of the pixels of a raw file.
  int64_t RowBytes() const {
    if (IsBitmap()) return (static_cast<int64_t>(width) + 7) / 8;
    return static_cast<int64_t>(width) * Channels() * (max_value > 255 ? 2 : 1);
  }
};

Result<Header> ReadHeader(Bytes bytes) {
  Scanner scanner(bytes);
  scanner.Skip(2);
  Header header{.kind = bytes[1] - '0'};
  header.width = scanner.Number();
  header.height = scanner.Number();
  if (!header.IsBitmap()) header.max_value = scanner.Number();
  header.data_offset = scanner.position() + 1;  // one blank ends the header
  if (header.width <= 0 || header.height <= 0)
    return InvalidImage("pnm: the header has no valid width and height");
  if (header.max_value < 1 || header.max_value > 65535) {
    return InvalidImage("pnm: maximum value " + std::to_string(header.max_value) + " is outside 1..65535");
  }
  return header;
}

uint8_t Scale(int value, int max_value) {
  return static_cast<uint8_t>((std::min(value, max_value) * 255 + max_value / 2) / max_value);
}

// Samples in file order; a bit of 1 is black. Returns how many were there.
size_t ReadPlain(Bytes bytes, const Header& header, std::vector<uint8_t>* samples) {
  Scanner scanner(bytes);
  scanner.Skip(std::min(header.data_offset, bytes.size()));
  for (size_t i = 0; i < samples->size(); ++i) {
    const int value = header.IsBitmap() ? scanner.Bit() : scanner.Number();
    if (value < 0) return i;
    (*samples)[i] = header.IsBitmap() ? (value ? 0 : 255) : Scale(value, header.max_value);
  }
  return samples->size();
}

void ReadRawRow(const uint8_t* in, const Header& header, size_t count, uint8_t* out) {
  for (size_t i = 0; i < count; ++i) {
    if (header.IsBitmap()) {
      out[i] = (in[i / 8] >> (7 - i % 8)) & 1 ? 0 : 255;
    } else if (header.max_value > 255) {
      out[i] = Scale(in[2 * i] << 8 | in[2 * i + 1], header.max_value);
    } else {
      out[i] = header.max_value == 255 ? in[i] : Scale(in[i], header.max_value);
    }
  }
}

// Returns the rows that were there in full.
int ReadRaw(Bytes bytes, const Header& header, Image* image) {
  const Bytes data = bytes.subspan(std::min(header.data_offset, bytes.size()));
  const auto row_bytes = static_cast<size_t>(header.RowBytes());
  const int rows =
      static_cast<int>(std::min<size_t>(data.size() / row_bytes, static_cast<size_t>(header.height)));
  for (int y = 0; y < rows; ++y) {
    ReadRawRow(data.data() + static_cast<size_t>(y) * row_bytes, header, image->RowElems(), image->Row(y));
  }
  return rows;
}

}  // namespace

Result<ImageInfo> ReadPnmInfo(Bytes bytes) {
  SLIPWAY_ASSIGN_OR_RETURN(const Header header, ReadHeader(bytes));
  return ImageInfo{.format = ImageFormat::kPnm,
                   .width = header.width,
                   .height = header.height,
                   .channels = header.Channels()};
}

Result<Image> DecodePnm(Bytes bytes, const ImageInfo&, const DecodeOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(const Header header, ReadHeader(bytes));
  // A sample takes at least a byte of a plain file, a row RowBytes of a raw one: short files cost no memory.
  const int64_t least_bytes = header.IsPlain()
                                  ? static_cast<int64_t>(header.width) * header.height * header.Channels()
                                  : header.RowBytes() * header.height;
  const Status truncated = InvalidImage(
      "pnm: the file ends before its " + std::to_string(header.height) + " rows do", "fetch the file again");
  const bool must_be_whole = options.damage == DecodeDamage::kReject;
  if (must_be_whole && least_bytes > static_cast<int64_t>(bytes.size())) return truncated;
  Image image(header.width, header.height, header.Channels());
  const bool is_whole = header.IsPlain() ? ReadPlain(bytes, header, &image.pixels) == image.pixels.size()
                                         : ReadRaw(bytes, header, &image) == header.height;
  if (must_be_whole && !is_whole) return truncated;
  if (image.channels == 1) return options.color == DecodeColor::kGrey ? std::move(image) : RgbFromGrey(image);
  return ToRequestedColor(std::move(image), options);
}

Result<std::vector<uint8_t>> EncodePnm(const Image& image) {
  if (!image.IsValid() || image.channels == 2 || image.channels > 4) {
    return InvalidImage("pnm: cannot encode an image of " + std::to_string(image.channels) + " channels");
  }
  const std::string header = std::string(image.channels == 1 ? "P5\n" : "P6\n") +
                             std::to_string(image.width) + " " + std::to_string(image.height) + "\n255\n";
  std::vector<uint8_t> bytes(header.begin(), header.end());
  const int kept = std::min(image.channels, 3);
  for (size_t i = 0; i < image.pixels.size(); i += static_cast<size_t>(image.channels)) {
    bytes.insert(bytes.end(), &image.pixels[i], &image.pixels[i] + kept);
  }
  return bytes;
}

}  // namespace slipway::media
