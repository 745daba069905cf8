// A Caffe net to a graph of Slipway's own operators.
#pragma once

#include "formats/caffe/net.h"
#include "formats/model.h"

namespace slipway::caffe {

// Blobs are named as in the net; of a blob written several times (in place) the last content bears the name.
// Loss and data layers of training nets are left out, and noted. Errors: kUnsupported lists every layer that
// cannot be read; kUsage: cuts that name no blob, a data layer whose shape the user must give.
Result<ImportedModel> ImportNet(const Net& net, const Weights& weights, const ImportOptions& options);

}  // namespace slipway::caffe

namespace slipway {

// `file` is the weights; the description is options.prototxt, or lies beside them.
Result<ImportedModel> ImportCaffeModel(const ModelFile& file, const ImportOptions& options);
// `file` is the description; its weights lie beside it, unless it needs none.
Result<ImportedModel> ImportCaffePrototxt(const ModelFile& file, const ImportOptions& options);

}  // namespace slipway
