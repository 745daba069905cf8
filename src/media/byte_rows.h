// Rows of interleaved bytes, several samples at once. Each function gives to the bit what its plain formula
// does, which stands beside it; resizing and packing have them for images of any kind, too, and tests compare
// the two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "media/byte_rows_vnni.h"
#include "media/byte_taps.h"

namespace slipway::media {

enum class RowStyle { kPil, kOpenCv };

// Filters rows of 3 or 4 channels across.
class ByteRowFilter {
 public:
  static bool Takes(int channels) { return channels == 3 || channels == 4; }
  // What a row is written to has room for so many elements more.
  static constexpr size_t kSpare = VnniTaps::kWrittenBehind;

  // REQUIRES: Takes(channels); all windows lie within in_width pixels; no weight is beyond 127 * 2^16 either
  // way (1 is 2^22).
  ByteRowFilter(RowStyle style, const ByteTaps& taps, int channels, int in_width);

  // rows: begin with the row that is filtered; what is behind it may be read.
  // kPil: clamp((2^21 + sum of weight * byte) >> 22).
  void Run(std::span<const uint8_t> rows, uint8_t* out);
  // kOpenCv: (sum of weight * byte) >> 4, which fits.
  void Run(std::span<const uint8_t> rows, int16_t* out);

 private:
  // The row as four bytes a pixel.
  ByteTaps Spread(const uint8_t* row);
  void RunVnni(std::span<const uint8_t> rows, uint8_t* out);

  int channels_, in_width_, width_;
  std::vector<int32_t> first_;
  std::vector<int32_t> weights_;  // windows a multiple of a vector wide
  std::vector<uint8_t> pixels_;   // of a row, and what is read behind it
  std::optional<VnniTaps> vnni_;  // in place of the weights
};

// PIL: clamp((2^21 + sum of weights[j] * rows[j][i]) >> 22), i < count.
void BlendRows(std::span<const uint8_t* const> rows, const int32_t* weights, size_t count, uint8_t* out);
// OpenCV: clamp((2 + sum of (weights[j] * rows[j][i] >> 16)) >> 2).
void BlendRows(std::span<const int16_t* const> rows, const int16_t* weights, size_t count, uint8_t* out);

// RGB pixels into three planes: (byte - mean[c]) / std[c].
void PackRgbPlanes(const uint8_t* pixels, size_t count, const float* mean, const float* std, float* planes);

}  // namespace slipway::media
