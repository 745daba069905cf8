// Operators that keep every element and its order.
#pragma once

#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

// Copies input 0 to output 0 bit by bit: equal counts and dtypes.
Status RunMove(RunContext& context);
// Axes of Squeeze, Unsqueeze, ...: input `index` if there, else the attribute "axes"; nullopt when the
// input's content is unknown.
std::optional<Ints> AxesOf(const InferContext& context, size_t index);

}  // namespace slipway
