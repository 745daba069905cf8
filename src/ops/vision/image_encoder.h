// The door through which images are encoded, as image_decoder.h is that through which they are decoded.
#pragma once

#include <cstdint>
#include <vector>

#include "slipway/status.h"
#include "slipway/tensor.h"

namespace slipway {

enum class ImageFile { kPng, kJpeg };

// u8 [height, width, 3], RGB -> an image file's bytes.
using ImageEncodeFn = Result<std::vector<uint8_t>> (*)(const Tensor& image, ImageFile format);

// Thread-safe; the last one installed is used.
void InstallImageEncoder(ImageEncodeFn encode);

}  // namespace slipway
