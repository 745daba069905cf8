// Semantic segmentation: a category for every pixel.
#pragma once

#include "media/image.h"
#include "tasks/core/session.h"

namespace slipway::tasks {

struct Segmentation {
  // Category of every pixel, at the model's own size.
  int mask_width = 0;
  int mask_height = 0;
  std::vector<uint8_t> mask;
  // The same at the photo's size (nearest), letterboxes undone.
  int width = 0;
  int height = 0;
  std::vector<uint8_t> categories;

  struct Share {
    std::string label;
    int64_t index = 0;
    double fraction = 0;  // of the photo's pixels
  };
  std::vector<Share> shares;  // largest first
};

// The model gives [1,H,W,C] or [1,C,H,W] scores (the largest wins), or [1,H,W] categories. At most 256
// categories.
Result<Segmentation> Segment(Session& session, media::Image photo);
// The part behind the network. photo_width, photo_height: pixels.
Result<Segmentation> ReadSegmentation(const Manifest& manifest, int photo_width, int photo_height,
                                      const ImageInput& input, const std::vector<RealOutput>& outputs);

void DrawSegmentation(media::Image* photo, const Segmentation& segmentation);

}  // namespace slipway::tasks
