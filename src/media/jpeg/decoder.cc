// A row of MCUs at a time: its coefficients, its samples, and the rows of pixels that these complete. With
// rows of colour that are doubled, the last one waits for the next row of MCUs.
#include "media/jpeg/decoder.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "base/simd/targets.h"
#include "media/jpeg/frame.h"
#include "media/jpeg/huffman.h"
#include "media/jpeg/scan_bytes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "media/jpeg/decoder.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "hwy/highway.h"
#include "media/jpeg/block-inl.h"
#include "media/jpeg/idct-inl.h"
#include "media/jpeg/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::media::jpeg {
namespace HWY_NAMESPACE {
namespace {

struct alignas(64) Group {
  int16_t values[kBlockSize * kGroup];
};

// One component of a row of MCUs. Its samples have rows above the first: the last two of the row before.
struct Band {
  static constexpr size_t kRowsAbove = 2;
  static constexpr size_t kLeftMargin = 64;

  Component component;
  size_t width = 0;  // samples of the picture
  int height = 0;
  size_t groups_per_row = 0;
  std::vector<Group> groups;  // [v][groups_per_row]
  std::vector<uint8_t> ends;  // of each group, as Idct::Transform takes it
  size_t stride = 0;
  std::vector<uint8_t> samples;  // [kRowsAbove + 8 * v][stride]
  Dequantiser dequantiser;
  int prediction = 0;

  uint8_t* Row(int y) {
    return samples.data() + static_cast<size_t>(y + int{kRowsAbove}) * stride + kLeftMargin;
  }
};

// A block of an MCU.
struct Slot {
  Group* groups = nullptr;  // its row
  uint8_t* ends = nullptr;
  size_t h = 1;  // blocks of the MCU in this row
  size_t x = 0;
  const DcTable* dc = nullptr;
  const AcTable* ac = nullptr;
  int* prediction = nullptr;
};

class ScanDecoder {
 public:
  // image: without pixels.
  ScanDecoder(const Frame& frame, std::span<const uint8_t> scan, Image* image)
      : frame_(frame), bytes_(scan), image_(*image) {
    const Component& first = frame.components[0];
    mcu_width_ = 8 * first.h;
    mcu_height_ = 8 * first.v;
    mcu_columns_ = (frame.width + mcu_width_ - 1) / mcu_width_;
    mcu_rows_ = (frame.height + mcu_height_ - 1) / mcu_height_;
  }

  bool Run() {
    if (!MakeTables() || !MakeBands()) return false;
    MakeSlots();
    if (!StartInterval()) return false;
    image_.pixels.reserve(static_cast<size_t>(frame_.height) * image_.RowElems());
    row_.resize(image_.RowElems());
    for (int row = 0; row < mcu_rows_; ++row) {
      if (!ReadRow() || !TransformRow()) return false;
      WriteRow(row);
    }
    return IsAtEnd() && bytes_.AtMarker() && bytes_.TakeMarker() == kEoi;
  }

 private:
  static constexpr uint8_t kEoi = 0xD9;
  static constexpr uint8_t kRst0 = 0xD0;

  bool MakeTables() {
    for (size_t i = 0; i < frame_.component_count; ++i) {
      const Component& c = frame_.components[i];
      auto& dc = dc_[c.dc];
      auto& ac = ac_[c.ac];
      if (dc == nullptr &&
          !MakeDcTable(*frame_.dc[c.dc], (dc = std::make_unique_for_overwrite<DcTable>()).get()))
        return false;
      if (ac == nullptr &&
          !MakeAcTable(*frame_.ac[c.ac], (ac = std::make_unique_for_overwrite<AcTable>()).get()))
        return false;
    }
    for (size_t k = 0; k < kBlockSize + kMaxStep; ++k) {
      const size_t at = k < kBlockSize ? kNaturalOrder[k] : 0;
      places_[k] = static_cast<uint16_t>(at / 8 * 8 * kGroup + at % 8);
    }
    return true;
  }

  bool MakeBands() {
    for (size_t i = 0; i < frame_.component_count; ++i) {
      Band& band = bands_[i];
      const Component& c = band.component = frame_.components[i];
      const Component& first = frame_.components[0];
      band.width = static_cast<size_t>((frame_.width * c.h + first.h - 1) / first.h);
      band.height = (frame_.height * c.v + first.v - 1) / first.v;
      band.groups_per_row = (static_cast<size_t>(mcu_columns_ * c.h) + kGroup - 1) / kGroup;
      band.groups.resize(static_cast<size_t>(c.v) * band.groups_per_row);
      band.ends.resize(band.groups.size());
      band.stride = Band::kLeftMargin + band.groups_per_row * 8 * kGroup + kRowMargin;
      band.samples.resize((Band::kRowsAbove + 8 * static_cast<size_t>(c.v)) * band.stride);
      if (!MakeDequantiser(*frame_.quant[c.quant], &band.dequantiser)) return false;
    }
    for (auto& row : doubled_) row.resize(static_cast<size_t>(frame_.width) + 1 + kRowMargin);
    return true;
  }

  void MakeSlots() {
    for (size_t i = 0; i < frame_.component_count; ++i) {
      Band& band = bands_[i];
      const Component& c = band.component;
      for (int y = 0; y < c.v; ++y) {
        for (int x = 0; x < c.h; ++x) {
          const size_t row = static_cast<size_t>(y) * band.groups_per_row;
          slots_[slot_count_++] = {.groups = band.groups.data() + row,
                                   .ends = band.ends.data() + row,
                                   .h = static_cast<size_t>(c.h),
                                   .x = static_cast<size_t>(x),
                                   .dc = dc_[c.dc].get(),
                                   .ac = ac_[c.ac].get(),
                                   .prediction = &band.prediction};
        }
      }
    }
  }

  bool StartInterval() {
    mcus_left_ = frame_.restart_interval == 0 ? INT32_MAX : frame_.restart_interval;
    for (Band& band : bands_) band.prediction = 0;
    in_ = {.next = bytes_.Begin()};
    return in_.next != nullptr;
  }

  // Bits of the interval that are left; they may be fewer than none.
  ptrdiff_t BitsLeft(const BitReader& in) const {
    return 8 * (bytes_.End() - in.next) + static_cast<ptrdiff_t>(in.count);
  }
  // All but the padding of the last byte is consumed.
  bool IsAtEnd() const { return bytes_.AtMarker() && BitsLeft(in_) >= 0 && BitsLeft(in_) < 8; }

  bool NextInterval() {
    if (!IsAtEnd() || bytes_.TakeMarker() != kRst0 + restarts_ % 8) return false;
    ++restarts_;
    return StartInterval();
  }

  // At an MCU's begin.
  bool MakeRoom(BitReader& in) {
    if (bytes_.AtMarker()) return BitsLeft(in) >= 0;
    in.next = bytes_.More(in.next);
    return in.next != nullptr;
  }

  bool ReadRow() {
    for (int column = 0; column < mcu_columns_;) {
      if (mcus_left_ == 0 && !NextInterval()) return false;
      const int count = std::min(mcus_left_, mcu_columns_ - column);
      if (!ReadMcus(static_cast<size_t>(column), static_cast<size_t>(column + count))) return false;
      mcus_left_ -= count;
      column += count;
    }
    return true;
  }

  bool ReadMcus(size_t begin, size_t end) {
    BitReader in = in_;
    for (size_t column = begin; column < end; ++column) {
      if (in.next > bytes_.LowMark() && !MakeRoom(in)) return false;
      for (size_t i = 0; i < slot_count_; ++i) {
        const Slot& slot = slots_[i];
        const size_t at = column * slot.h + slot.x;
        int16_t* block = slot.groups[at / kGroup].values + at % kGroup * 8;
        in.Refill();
        const int32_t difference = ReadDc(in, *slot.dc);
        const uint32_t last = ReadAc(in, *slot.ac, places_, block);
        const int32_t value = *slot.prediction + difference;
        if (HWY_UNLIKELY(last == 0 || value != static_cast<int16_t>(value))) return false;
        *slot.prediction = value;
        block[0] = static_cast<int16_t>(value);
        uint8_t& group_end = slot.ends[at / kGroup];
        group_end = std::max(group_end, static_cast<uint8_t>(last));
      }
    }
    in_ = in;
    return true;
  }

  bool TransformRow() {
    Idct idct;
    for (size_t i = 0; i < frame_.component_count; ++i) {
      Band& band = bands_[i];
      for (size_t g = 0; g < band.groups.size(); ++g) {
        const auto y = static_cast<int>(8 * (g / band.groups_per_row));
        uint8_t* to = band.Row(y) + g % band.groups_per_row * 8 * kGroup;
        idct.Transform(band.groups[g].values, band.dequantiser, band.ends[g], to, band.stride);
      }
      std::fill(band.ends.begin(), band.ends.end(), 0);
      for (int y = 0; i > 0 && y < 8; ++y) {
        uint8_t* row = band.Row(y);
        row[-1] = row[0];
        row[band.width] = row[band.width - 1];
      }
    }
    return idct.IsExact();
  }

  void WriteRow(int mcu_row) {
    const int top = mcu_row * mcu_height_;
    const int bottom = std::min(mcu_height_, frame_.height - top);
    if (frame_.component_count == 1 || bands_[0].component.v == 1) {
      for (int y = 0; y < bottom; ++y) WritePixels(y, y, y);
      return;
    }
    const int color_top = 8 * mcu_row;
    const int color_last = bands_[1].height - 1 - color_top;
    const bool is_last = mcu_row + 1 == mcu_rows_;
    for (int y = mcu_row == 0 ? 0 : -1; y <= (is_last ? color_last : 6); ++y) {
      WritePixels(2 * y, y, mcu_row == 0 && y == 0 ? 0 : y - 1);
      if (2 * y + 1 < bottom) WritePixels(2 * y + 1, y, std::min(y + 1, color_last));
    }
    for (Band& band : bands_) {
      const int rows = 8 * band.component.v;
      std::memcpy(band.Row(-2) - 1, band.Row(rows - 2) - 1, 2 * band.stride - Band::kLeftMargin);
    }
  }

  // Row y of the luma, with the row of colour and the one nearest to it.
  void WritePixels(int y, int color, int near) {
    const auto width = static_cast<size_t>(frame_.width);
    const uint8_t* luma = bands_[0].Row(y);
    if (image_.channels == 1) return Append(luma);
    if (frame_.component_count == 1) {
      RgbOfGrey(luma, width, row_.data());
    } else {
      const uint8_t* cb = ColorRow(1, color, near);
      const uint8_t* cr = ColorRow(2, color, near);
      RgbOfYcc(luma, cb, cr, width, row_.data());
    }
    Append(row_.data());
  }

  // Rows come from top to bottom. Memory for all of them is touched once, by what they are.
  void Append(const uint8_t* row) { image_.pixels.insert(image_.pixels.end(), row, row + image_.RowElems()); }

  const uint8_t* ColorRow(size_t component, int y, int near) {
    Band& band = bands_[component];
    uint8_t* to = doubled_[component - 1].data();
    const Component& luma = frame_.components[0];
    const RowPair rows{band.Row(y), band.Row(near)};
    if (luma.h == 2 && luma.v == 2) {
      DoubleBoth(rows, band.width, to);
    } else if (luma.h == 2) {
      DoubleWidth(rows.at, band.width, to);
    } else if (luma.v == 2) {
      DoubleHeight(rows, near < y ? 1 : 2, band.width, to);
    } else {
      return rows.at;
    }
    return to;
  }

  const Frame& frame_;
  ScanBytes bytes_;
  Image& image_;
  int mcu_width_ = 0;
  int mcu_height_ = 0;
  int mcu_columns_ = 0;
  int mcu_rows_ = 0;
  std::array<std::unique_ptr<DcTable>, kTableSlots> dc_;
  std::array<std::unique_ptr<AcTable>, kTableSlots> ac_;
  Places places_;
  std::array<Band, 3> bands_;
  std::vector<uint8_t> row_;                     // of pixels
  std::array<std::vector<uint8_t>, 2> doubled_;  // rows of Cb and Cr, as wide as the picture
  std::array<Slot, 6> slots_;
  size_t slot_count_ = 0;
  BitReader in_;
  int mcus_left_ = 0;  // of the restart interval
  int restarts_ = 0;
};

bool DecodeScanTarget(const Frame& frame, std::span<const uint8_t> scan, Image* image) {
  return std::make_unique<ScanDecoder>(frame, scan, image)->Run();
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace slipway::media::jpeg
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::media::jpeg {

HWY_EXPORT(DecodeScanTarget);

std::optional<Image> DecodeBaseline(std::span<const uint8_t> bytes, int width, int height, int channels) {
  const std::optional<Frame> frame = ReadFrame(bytes);
  if (!frame || frame->width != width || frame->height != height) return std::nullopt;
  if (channels != 3 && (channels != 1 || frame->component_count != 1)) return std::nullopt;
  // libjpeg repeats the samples of colour where it has one or two in a row.
  constexpr int kNarrow = 4;
  if (frame->components[0].h == 2 && width <= kNarrow) return std::nullopt;
  Image image;
  image.width = width;
  image.height = height;
  image.channels = channels;
  const auto scan = bytes.subspan(frame->scan_begin);
  if (!HWY_DYNAMIC_DISPATCH(DecodeScanTarget)(*frame, scan, &image)) return std::nullopt;
  return image;
}

}  // namespace slipway::media::jpeg
#endif
