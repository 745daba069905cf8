// Which scale belongs to which element: per tensor, per slice along an axis, or per block along an axis.
#pragma once

#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

// Index of the scale of the element with flat index `i` of a tensor of shape `dims`.
class ScaleMap {
 public:
  // scales: the shape of the scales. REQUIRES: it has passed CheckScales.
  ScaleMap(const Dims& dims, const Dims& scales, int64_t axis, int64_t block_size);
  int64_t operator()(int64_t i) const {
    if (is_single_) return 0;
    const int64_t slice = i / inner_ % extent_;
    return outer_stride_ * (i / (inner_ * extent_)) + slice / block_ * slice_stride_ +
           (outer_stride_ == 0 ? 0 : i % inner_);
  }

 private:
  bool is_single_ = true;
  int64_t inner_ = 1;         // elements behind the axis
  int64_t extent_ = 1;        // of the axis
  int64_t block_ = 1;         // elements along the axis that share a scale
  int64_t slice_stride_ = 1;  // scales from one slice (block) to the next
  int64_t outer_stride_ = 0;  // blocked: scales per outer index; 0: one row of scales serves all
};

// Checks input `scale` against input 0 with the attributes axis and block_size.
Status CheckScales(const InferContext& context, size_t scale);
// The ScaleMap of input `scale`.
ScaleMap MapScales(const RunContext& context, size_t scale);

}  // namespace slipway
