// Models of Keras 1, told in Keras 2's words: "Convolution2D" with nb_filter, nb_row, border_mode and
// dim_ordering is "Conv2D" with filters, kernel_size, padding and data_format; its weight
// "convolution2d_1_W" is "convolution2d_1/kernel".
//
// Source: Keras 1.2's layers, keras.legacy.interfaces of Keras 2, and preprocess_weights_for_loading, which
// tells how weights are laid out. Left out, and refused by their class names: Merge by a function or inside
// of a Sequential, "cos" merges, batch normalisation in modes 1 and 2, Deconvolution2D, layers that Keras 2
// dropped (Highway, MaxoutDense, SReLU, ...).
#pragma once

#include "formats/keras/config.h"
#include "formats/tfjs_weights.h"

namespace slipway::keras {

// By the version that the file names, or by words that only Keras 1 has.
bool IsKeras1(const Json& topology);

// topology: "modelTopology". Errors (kInvalidModel) name the layer whose weights have another shape than
// Keras 1 gave them.
Status UpgradeKeras1(Json& topology, TfjsWeights& weights);

}  // namespace slipway::keras
