// The door through which images are decoded. This layer knows no image formats: who links them (the public
// API, test programs) installs them here once, so that what needs no images carries no codecs.
#pragma once

#include <cstdint>
#include <span>

#include "slipway/status.h"
#include "slipway/tensor.h"

namespace slipway {

enum class ImageColor { kRgb, kGrey };

// An image file's bytes -> u8 [height, width, 3 or 1], as stored (not turned upright).
using ImageDecodeFn = Result<Tensor> (*)(std::span<const uint8_t> bytes, ImageColor color);

// Thread-safe; the last one installed is used.
void InstallImageDecoder(ImageDecodeFn decode);

}  // namespace slipway
