// What a description says of the photos that a net wants: the transform_param of the layer that feeds them.
//
// Source: DataTransformer and caffe.proto of BVLC Caffe; ResizeParameter of SSD's. Left out: what is drawn at
// random (mirror, distortions, the place of a crop): tests take the crop from the middle.
#pragma once

#include <optional>

#include "formats/caffe/net.h"
#include "ir/graph.h"
#include "manifest/manifest.h"

namespace slipway::caffe {

// Layers that feed data: their tops are inputs of the graph.
bool IsDataLayer(const std::string& type);

struct PhotoTransform {
  bool is_stated = false;   // there is a transform_param, or what it was called before
  float scale = 1;          // (level - mean) * scale
  std::vector<float> mean;  // one, or one a channel
  std::string mean_file;    // of a mean image; "": none
  int64_t crop = 0;         // pixels a side; 0: none
  int64_t height = 0,
          width = 0;  // pixels: photos are brought to this size before the crop; 0: left as they are
  bool is_gray = false;
};

// `error` keeps the first bad value.
PhotoTransform TransformOf(const Layer& layer, Status& error);

// The extents of the photos that the transform leaves, [1,C,H,W]; empty where it leaves them open.
Dims ShapeOf(const PhotoTransform& transform);

// The manifest of the graph's first image input; none where the description says nothing. `notes` hears what
// is assumed, and where Caffe's own preparation differs. `description` is the path: a mean file is looked for
// beside it. Errors: a mean file that is there but damaged.
Result<std::optional<Manifest>> ReadPreprocessing(const Net& net, const Graph& graph,
                                                  const std::string& description,
                                                  std::vector<std::string>& notes);

}  // namespace slipway::caffe
