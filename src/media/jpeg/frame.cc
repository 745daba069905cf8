// One pass over the segments up to the start of the scan. What decoders warn of or guess at (fill bytes,
// unknown colours, tables that are missing) ends it.
#include "media/jpeg/frame.h"

#include <algorithm>
#include <string_view>

#include "media/byte_order.h"

namespace slipway::media::jpeg {

const std::array<uint8_t, kBlockSize> kNaturalOrder = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

namespace {

using Bytes = std::span<const uint8_t>;

enum Marker : uint8_t {
  kSof0 = 0xC0,  // baseline
  kSof1 = 0xC1,  // extended sequential
  kDht = 0xC4,
  kSoi = 0xD8,
  kSos = 0xDA,
  kDqt = 0xDB,
  kDri = 0xDD,
  kApp0 = 0xE0,
  kApp14 = 0xEE,
  kApp15 = 0xEF,
  kCom = 0xFE,
};

constexpr int kMaxSide = 65500;  // libjpeg's limit

bool StartsWith(Bytes bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), bytes.begin(),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  std::optional<Frame> Read() {
    if (bytes_.size() < 2 || bytes_[0] != 0xFF || bytes_[1] != kSoi) return std::nullopt;
    size_t at = 2;
    while (at + 4 <= bytes_.size() && bytes_[at] == 0xFF) {
      const uint8_t marker = bytes_[at + 1];
      const size_t length = LoadBe16(&bytes_[at + 2]);
      if (length < 2 || length > bytes_.size() - at - 2) return std::nullopt;
      const Bytes segment = bytes_.subspan(at + 4, length - 2);
      at += 2 + length;
      frame_.scan_begin = at;
      if (marker == kSos) return IsWhole(segment) ? std::optional(frame_) : std::nullopt;
      if (!ReadSegment(marker, segment)) return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  bool ReadSegment(uint8_t marker, Bytes segment) {
    switch (marker) {
      case kSof0:
      case kSof1: return ReadStartOfFrame(segment);
      case kDht: return ReadHuffmanTables(segment);
      case kDqt: return ReadQuantTables(segment);
      case kDri: return ReadRestartInterval(segment);
      case kApp0: return ReadJfif(segment);
      case kApp14: return ReadAdobe(segment);
      default: return marker == kCom || (marker > kApp0 && marker <= kApp15);
    }
  }

  bool ReadStartOfFrame(Bytes segment) {
    if (frame_.component_count != 0 || segment.size() < 6 || segment[0] != 8) return false;
    frame_.height = LoadBe16(&segment[1]);
    frame_.width = LoadBe16(&segment[3]);
    const size_t count = segment[5];
    if ((count != 1 && count != 3) || segment.size() != 6 + 3 * count) return false;
    if (std::min(frame_.width, frame_.height) < 1 || std::max(frame_.width, frame_.height) > kMaxSide)
      return false;
    frame_.component_count = count;
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* entry = &segment[6 + 3 * i];
      frame_.components[i] = {.id = entry[0], .h = entry[1] >> 4, .v = entry[1] & 15, .quant = entry[2]};
    }
    return IsSamplingKnown();
  }

  bool IsSamplingKnown() {
    Component& first = frame_.components[0];
    if (std::min(first.h, first.v) < 1 || std::max(first.h, first.v) > 2) return false;
    if (frame_.component_count == 1) {
      first.h = first.v = 1;  // alone in its scan, it comes block by block whatever they say
      return true;
    }
    return std::all_of(frame_.components.begin() + 1, frame_.components.end(),
                       [](const Component& c) { return c.h == 1 && c.v == 1; });
  }

  bool ReadQuantTables(Bytes segment) {
    while (!segment.empty()) {
      const size_t slot = segment[0] & 15;
      const size_t value_bytes = segment[0] >> 4 == 0 ? 1 : 2;
      if (slot >= kTableSlots || segment.size() < 1 + value_bytes * kBlockSize) return false;
      QuantTable& table = frame_.quant[slot].emplace();
      for (size_t k = 0; k < kBlockSize; ++k) {
        const uint8_t* value = &segment[1 + value_bytes * k];
        table[kNaturalOrder[k]] = value_bytes == 1 ? *value : LoadBe16(value);
      }
      segment = segment.subspan(1 + value_bytes * kBlockSize);
    }
    return true;
  }

  bool ReadHuffmanTables(Bytes segment) {
    while (!segment.empty()) {
      const size_t slot = segment[0] & 15;
      const int kind = segment[0] >> 4;
      if (slot >= kTableSlots || kind > 1 || segment.size() < 17) return false;
      HuffmanSpec& spec = (kind == 0 ? frame_.dc : frame_.ac)[slot].emplace();
      std::copy_n(segment.begin() + 1, spec.counts.size(), spec.counts.begin());
      size_t count = 0;
      for (const uint8_t n : spec.counts) count += n;
      if (count > spec.symbols.size() || segment.size() < 17 + count) return false;
      std::copy_n(segment.begin() + 17, count, spec.symbols.begin());
      segment = segment.subspan(17 + count);
    }
    return true;
  }

  bool ReadRestartInterval(Bytes segment) {
    if (segment.size() != 2) return false;
    frame_.restart_interval = LoadBe16(segment.data());
    return true;
  }

  bool ReadJfif(Bytes segment) {
    constexpr size_t kBytes = 14;
    if (segment.size() < kBytes || !StartsWith(segment, std::string_view("JFIF\0", 5))) return true;
    is_jfif_ = true;
    return segment[5] == 1;  // of another version decoders warn
  }

  bool ReadAdobe(Bytes segment) {
    constexpr size_t kBytes = 12;
    if (segment.size() < kBytes || !StartsWith(segment, "Adobe")) return true;
    adobe_transform_ = segment[11];
    return true;
  }

  // scan: the segment that starts it.
  bool IsWhole(Bytes scan) {
    const size_t count = frame_.component_count;
    if (count == 0 || scan.size() != 4 + 2 * count || scan[0] != count) return false;
    for (size_t i = 0; i < count; ++i) {
      Component& component = frame_.components[i];
      if (scan[1 + 2 * i] != component.id) return false;
      component.dc = scan[2 + 2 * i] >> 4;
      component.ac = scan[2 + 2 * i] & 15;
      if (std::max({component.quant, component.dc, component.ac}) >= kTableSlots) return false;
      if (!frame_.quant[component.quant] || !frame_.dc[component.dc] || !frame_.ac[component.ac])
        return false;
    }
    const uint8_t* spectrum = &scan[1 + 2 * count];
    return spectrum[0] == 0 && spectrum[1] == 63 && spectrum[2] == 0 && IsColorKnown();
  }

  bool IsColorKnown() const {
    if (frame_.component_count == 1) return true;
    const auto& c = frame_.components;
    if (c[0].id == c[1].id || c[0].id == c[2].id || c[1].id == c[2].id) return false;
    if (is_jfif_) return true;
    if (adobe_transform_) return *adobe_transform_ == 1;
    return c[0].id == 1 && c[1].id == 2 && c[2].id == 3;
  }

  Bytes bytes_;
  Frame frame_;
  bool is_jfif_ = false;
  std::optional<uint8_t> adobe_transform_;
};

}  // namespace

std::optional<Frame> ReadFrame(Bytes bytes) { return Reader(bytes).Read(); }

}  // namespace slipway::media::jpeg
