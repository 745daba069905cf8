// Resizing images as the libraries do that models were trained with.
//
// A network sees the resampler of its training set: a few levels of difference cost accuracy. So the style is
// part of a model's manifest:
//   kOpenCv  cv2.resize: INTER_NEAREST, INTER_LINEAR, INTER_AREA, INTER_CUBIC. No smoothing when shrinking,
//   but by
//            kArea. Integer arithmetic for bytes.
//   kPil     PIL.Image.resize: NEAREST, BILINEAR, BOX (kArea), BICUBIC. Filters widen when shrinking
//   (antialias). kPlain   the textbook formula in float, as in TensorFlow's ResizeBilinear and ONNX Resize
//   without antialias; the
//            only style in which `convention` matters.
#pragma once

#include <string_view>

#include "media/image.h"
#include "slipway/status.h"

namespace slipway::media {

enum class Filter { kNearest, kBilinear, kArea, kBicubic };

// Where output pixel i looks in the input; s = in / out.
enum class Convention {
  kHalfPixel,     // (i + 0.5) * s - 0.5
  kAlignCorners,  // i * (in - 1) / (out - 1)
  kAsymmetric,    // i * s   (TensorFlow 1's default)
};

enum class ResizeStyle { kOpenCv, kPil, kPlain };

struct ResizeOptions {
  Filter filter = Filter::kBilinear;
  ResizeStyle style = ResizeStyle::kOpenCv;
  Convention convention = Convention::kHalfPixel;
};

// "nearest", "half-pixel", "opencv", ...: the words of manifests and flags.
std::string_view FilterName(Filter filter);
std::string_view ConventionName(Convention convention);
std::string_view ResizeStyleName(ResizeStyle style);

// image: any number of channels. Fails when the image is invalid or the size is not in 1..65535 a side.
Result<Image> Resize(const Image& image, int width, int height, const ResizeOptions& options = {});
Result<ImageF32> Resize(const ImageF32& image, int width, int height, const ResizeOptions& options = {});
// Bytes in, unrounded floats (0..255) out: what TensorFlow's resize of a uint8 photo gives.
// kPlain only keeps fractions; the other styles give what Resize gives, as floats.
Result<ImageF32> ResizeToF32(const Image& image, int width, int height, const ResizeOptions& options = {});

}  // namespace slipway::media
