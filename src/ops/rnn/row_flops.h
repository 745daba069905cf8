// Work of the recurrent operators, all of which multiply rows by weights.
#pragma once

#include "ops/infer.h"

namespace slipway {

// A multiplication and an addition for every row and weight. rows: a shape whose last axis is the row's own;
// 0 where one of the other extents is unknown.
inline double RowFlops(const std::optional<DimList>& rows, double weights) {
  if (!rows || rows->empty()) return 0;
  double flops = 2 * weights;
  for (size_t axis = 0; axis + 1 < rows->size(); ++axis) {
    if (!(*rows)[axis].IsKnown()) return 0;
    flops *= static_cast<double>((*rows)[axis].value());
  }
  return flops;
}

}  // namespace slipway
