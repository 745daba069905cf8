// Rows of interleaved bytes, several samples at once. Each function gives to the bit what its plain formula
// does, which stands beside it; resizing and packing have them for images of any kind, too, and tests compare
// the two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace slipway::media {

// An axis of a resize as resize_taps.h has it, with integer weights: output x is made of the pixels
// first[x] + j, weighed by weights[x * width + j], j < width.
struct ByteTaps {
  int width = 1;
  std::span<const int32_t> first;
  std::span<const int32_t> weights;
};

// Filters rows of 3 or 4 channels across.
class ByteRowFilter {
 public:
  static bool Takes(int channels) { return channels == 3 || channels == 4; }
  // What a row is written to has room for so many elements more.
  static constexpr size_t kSpare = 4;

  // REQUIRES: Takes(channels); all windows lie within in_width pixels.
  ByteRowFilter(const ByteTaps& taps, int channels, int in_width);

  // PIL: clamp((2^21 + sum of weight * byte) >> 22).
  void Run(const uint8_t* row, uint8_t* out);
  // OpenCV: (sum of weight * byte) >> 4, which fits.
  void Run(const uint8_t* row, int16_t* out);

 private:
  // The row as four bytes a pixel.
  ByteTaps Spread(const uint8_t* row);

  int channels_, in_width_, width_;
  std::vector<int32_t> first_;
  std::vector<int32_t> weights_;  // windows a multiple of a vector wide
  std::vector<uint8_t> pixels_;   // of a row, four bytes each, and zeros behind
};

// PIL: clamp((2^21 + sum of weights[j] * rows[j][i]) >> 22), i < count.
void BlendRows(std::span<const uint8_t* const> rows, const int32_t* weights, size_t count, uint8_t* out);
// OpenCV: clamp((2 + sum of (weights[j] * rows[j][i] >> 16)) >> 2).
void BlendRows(std::span<const int16_t* const> rows, const int16_t* weights, size_t count, uint8_t* out);

// RGB pixels into three planes: (byte - mean[c]) / std[c].
void PackRgbPlanes(const uint8_t* pixels, size_t count, const float* mean, const float* std, float* planes);

}  // namespace slipway::media
