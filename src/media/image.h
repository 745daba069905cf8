// Image: pixels in memory, interleaved, top row first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace slipway::media {

// Dense [height, width, channels]. Channels: 1 grey, 3 RGB, 4 RGBA, in that order unless a caller that
// swapped them says otherwise; resizing and packing take any number. A plain value: copies are deep.
template <class T>
struct BasicImage {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<T> pixels;

  BasicImage() = default;
  // REQUIRES: sizes positive.
  BasicImage(int w, int h, int c, T value = {})
      : width(w),
        height(h),
        channels(c),
        pixels(static_cast<size_t>(w) * static_cast<size_t>(h) * static_cast<size_t>(c), value) {}

  size_t RowElems() const { return static_cast<size_t>(width) * static_cast<size_t>(channels); }
  T* Row(int y) { return pixels.data() + static_cast<size_t>(y) * RowElems(); }
  const T* Row(int y) const { return pixels.data() + static_cast<size_t>(y) * RowElems(); }
  // First channel of the pixel in column x of row y.
  T* At(int x, int y) { return Row(y) + static_cast<size_t>(x) * static_cast<size_t>(channels); }
  const T* At(int x, int y) const { return Row(y) + static_cast<size_t>(x) * static_cast<size_t>(channels); }

  // Positive sizes, and as many pixels as they promise.
  bool IsValid() const {
    return width > 0 && height > 0 && channels > 0 &&
           pixels.size() == static_cast<size_t>(height) * RowElems();
  }
  bool operator==(const BasicImage&) const = default;
};

using Image = BasicImage<uint8_t>;
using ImageF32 = BasicImage<float>;

}  // namespace slipway::media
