// Each of the eight orientations is an optional transpose followed by optional flips of the axes.
#include "media/orientation.h"

#include <cstring>
#include <utility>

namespace slipway::media {
namespace {

// target(x, y) = source(x', y'), where (x', y') is (y, x) if is_transposed, each then mirrored if asked.
struct Turn {
  bool is_transposed = false;
  bool flip_source_x = false;
  bool flip_source_y = false;
};

Image Apply(const Image& source, Turn turn) {
  Image target(turn.is_transposed ? source.height : source.width,
               turn.is_transposed ? source.width : source.height, source.channels);
  const auto pixel = static_cast<size_t>(source.channels);
  for (int y = 0; y < target.height; ++y) {
    uint8_t* out = target.Row(y);
    for (int x = 0; x < target.width; ++x, out += pixel) {
      int sx = turn.is_transposed ? y : x;
      int sy = turn.is_transposed ? x : y;
      if (turn.flip_source_x) sx = source.width - 1 - sx;
      if (turn.flip_source_y) sy = source.height - 1 - sy;
      std::memcpy(out, source.At(sx, sy), pixel);
    }
  }
  return target;
}

}  // namespace

Image Rot90(const Image& image, int k) {
  switch (((k % 4) + 4) % 4) {
    case 1: return Apply(image, {.is_transposed = true, .flip_source_x = true});
    case 2: return Apply(image, {.flip_source_x = true, .flip_source_y = true});
    case 3: return Apply(image, {.is_transposed = true, .flip_source_y = true});
    default: return image;
  }
}

Image ApplyExifOrientation(Image image, int orientation) {
  switch (orientation) {
    case 2: return Apply(image, {.flip_source_x = true});
    case 3: return Apply(image, {.flip_source_x = true, .flip_source_y = true});
    case 4: return Apply(image, {.flip_source_y = true});
    case 5: return Apply(image, {.is_transposed = true});
    case 6: return Apply(image, {.is_transposed = true, .flip_source_y = true});
    case 7: return Apply(image, {.is_transposed = true, .flip_source_x = true, .flip_source_y = true});
    case 8: return Apply(image, {.is_transposed = true, .flip_source_x = true});
    default: return image;
  }
}

}  // namespace slipway::media
