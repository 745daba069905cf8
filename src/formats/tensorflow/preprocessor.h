// Recognises the image preprocessing that TF's Object Detection API puts into its graphs.
//
// before: image -> TensorArray + while loop over the batch { ResizeBilinear to H x W } -> stack -> * a -> - b
// after:  input f32[batch,H,W,C], and the resize and normalisation as numbers for the manifest.
// Found by structure: a TensorArrayGatherV3 whose while loop reads an image, resizes it to a constant size
// and writes it back to the same place, followed by arithmetic with scalar constants. Left out: loops that do
// anything else.
#pragma once

#include <optional>
#include <string>

#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

struct Preprocessor {
  std::string input;        // the placeholder that the loop reads
  std::string replaced;     // the node whose result the new input stands for
  std::string resize_node;  // for messages
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 3;
  bool is_nearest = false;
  bool is_align_corners = false;
  bool is_half_pixel = false;
  // input value = level * scale + offset
  double scale = 1;
  double offset = 0;
};

std::optional<Preprocessor> FindPreprocessor(const TfGraph& graph);

}  // namespace slipway::tensorflow
