// The orientation tag of an EXIF block: TIFF header, first directory, tag 0x0112. Source: EXIF 2.3, TIFF 6.0.
#include "media/byte_order.h"
#include "media/codecs.h"

namespace slipway::media {
namespace {

constexpr uint16_t kOrientationTag = 0x0112;
constexpr uint16_t kTypeShort = 3;
constexpr size_t kEntryBytes = 12;

}  // namespace

int ReadExifOrientation(Bytes tiff) {
  if (tiff.size() < 8) return 1;
  const bool is_little = tiff[0] == 'I' && tiff[1] == 'I';
  if (!is_little && !(tiff[0] == 'M' && tiff[1] == 'M')) return 1;
  const auto load16 = is_little ? LoadLe16 : LoadBe16;
  const auto load32 = is_little ? LoadLe32 : LoadBe32;
  const size_t directory = load32(&tiff[4]);
  if (directory > tiff.size() - 2) return 1;
  const size_t count = load16(&tiff[directory]);
  const Bytes entries = tiff.subspan(directory + 2);
  for (size_t i = 0; i < count && (i + 1) * kEntryBytes <= entries.size(); ++i) {
    const uint8_t* entry = &entries[i * kEntryBytes];
    if (load16(entry) != kOrientationTag) continue;
    const int value = load16(entry + 8);
    return load16(entry + 2) == kTypeShort && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

}  // namespace slipway::media
