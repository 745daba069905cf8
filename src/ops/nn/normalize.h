// Steps that the normalisations share.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "ops/infer.h"
#include "ops/nn/window.h"

namespace slipway {

struct Moments {
  double mean = 0;
  double variance = 0;  // of the population
};
inline Moments MomentsOf(std::span<const double> values) {
  Moments moments;
  if (values.empty()) return moments;
  for (double value : values) moments.mean += value;
  moments.mean /= static_cast<double>(values.size());
  for (double value : values) moments.variance += (value - moments.mean) * (value - moments.mean);
  moments.variance /= static_cast<double>(values.size());
  return moments;
}

// An error unless input i, if it is there and of known shape, is a vector of `length`.
inline Status RequireVector(const InferContext& context, size_t i, const Dim& length) {
  if (!context.HasInput(i) || !context.shape(i)) return Status::Ok();
  const DimList& given = *context.shape(i);
  const bool is_fitting =
      given.size() == 1 && (!given[0].IsKnown() || !length.IsKnown() || given[0].value() == length.value());
  if (is_fitting) return Status::Ok();
  return context.Error(context.op().inputs[i].name + " is " + ToString(given) + ", needs [" +
                       length.ToString() + "]");
}

// Index into a tensor of shape `own` that broadcasts to `out`, for the out's flat index.
inline int64_t BroadcastIndex(const Dims& own, const Dims& out, int64_t flat) {
  int64_t index = 0;
  int64_t stride = 1;
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t axis = out.size() - 1 - i;
    const int64_t position = flat % out[axis];
    flat /= out[axis];
    if (i >= own.size()) continue;
    const int64_t extent = own[own.size() - 1 - i];
    if (extent != 1) index += position * stride;
    stride *= extent;
  }
  return index;
}

}  // namespace slipway
