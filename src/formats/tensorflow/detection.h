// The manifest of a detector exported by TF's Object Detection API.
#pragma once

#include "formats/tensorflow/preprocessor.h"
#include "ir/graph.h"
#include "manifest/manifest.h"

namespace slipway::tensorflow {

// Resize and normalisation from the loop; where the outputs look like decoded boxes [1,A,1,4] (ymin, xmin,
// ymax, xmax, ratios) and scores [1,A,C], the `ssd` decoder, and COCO's labels for 90 classes.
Manifest MakeManifest(const Preprocessor& preprocessor, const Graph& graph);

}  // namespace slipway::tensorflow
