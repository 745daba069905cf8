// Indices read from tensors: negative ones count from the end, those outside are an error that names them.
#pragma once

#include "base/scalar.h"
#include "ops/run.h"

namespace slipway {

// Element `i` of an integer tensor as an index of an axis of `extent`.
inline Result<int64_t> IndexAt(const RunContext& context, const Tensor& indices, int64_t i, int64_t extent) {
  const int64_t index = LoadInt(indices.dtype(), indices.data(), i);
  if (index >= -extent && index < extent) return index < 0 ? index + extent : index;
  return context.Error("index " + std::to_string(index) + " is outside an axis of " + std::to_string(extent));
}

// A possibly negative axis of a rank that infer has checked.
inline size_t AxisOf(const RunContext& context, int rank) {
  const int64_t axis = context.attrs().Int("axis");
  return static_cast<size_t>(axis < 0 ? axis + rank : axis);
}

}  // namespace slipway
