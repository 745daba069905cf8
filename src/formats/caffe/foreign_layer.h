// A layer without a function in layers.h, as the neutral node that a plugin may claim.
#pragma once

#include "formats/caffe/net.h"
#include "ir/foreign.h"

namespace slipway::caffe {

// The layer's parameters as attributes, spelled as in the description: every scalar field of the layer and of
// its
// "..._param" messages under its own name, deeper ones as "outer.inner"; repeated ones as lists of strings.
// What belongs to every layer (names, blobs' learning rates, phases) is left out. Inputs and outputs are the
// caller's to set.
ForeignNode ForeignLayer(const Layer& layer);

}  // namespace slipway::caffe
