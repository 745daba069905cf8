// Turning and mirroring whole images.
#pragma once

#include "media/image.h"

namespace slipway::media {

// k quarter turns counter-clockwise (numpy.rot90); any k.
Image Rot90(const Image& image, int k);
// The upright image of one stored with EXIF orientation 1..8; others are taken as 1.
Image ApplyExifOrientation(Image image, int orientation);

}  // namespace slipway::media
