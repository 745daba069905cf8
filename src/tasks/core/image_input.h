// From a photo to a model's input tensor, as the manifest says.
#pragma once

#include "manifest/manifest.h"
#include "media/geometry.h"
#include "runtime/engine.h"

namespace slipway::tasks {

// Where the image's axes are in a tensor: [N,H,W,C], [N,C,H,W], or the same without N.
struct ImageShape {
  bool is_channels_first = false;
  bool has_batch = true;
  int64_t width = 0;  // 0: not fixed by the model
  int64_t height = 0;
  int64_t channels = 0;
};
// nullopt: the type cannot be an image's.
std::optional<ImageShape> ImageShapeOf(const Type& type, TensorLayout layout);

struct ImageInput {
  Tensor tensor;
  media::Placed placed;  // the way back to the photo; its image is empty: the pixels are the tensor's
  int width = 0;         // of the model's input, pixels
  int height = 0;
};

// photo: RGB or grey. Errors name the manifest's key that does not fit the tensor.
Result<ImageInput> MakeImageInput(media::Image photo, const InputSpec& spec, const PortInfo& port);

}  // namespace slipway::tasks
