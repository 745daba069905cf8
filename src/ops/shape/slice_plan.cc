#include "ops/shape/slice_plan.h"

#include <algorithm>

namespace slipway {

AxisSlice SliceAxis(int64_t extent, int64_t begin, int64_t end, int64_t step) {
  const auto wrap = [extent](int64_t at) {
    if (at >= 0) return at;
    return at < -extent ? int64_t{-1} : at + extent;  // far below: before the start
  };
  AxisSlice slice;
  slice.step = step;
  if (step > 0) {
    slice.begin = std::clamp<int64_t>(wrap(begin), 0, extent);
    const int64_t stop = std::clamp<int64_t>(wrap(end), 0, extent);
    slice.count = stop > slice.begin ? (stop - slice.begin - 1) / step + 1 : 0;
    return slice;
  }
  slice.begin = std::clamp<int64_t>(wrap(begin), -1, extent - 1);
  const int64_t stop = std::clamp<int64_t>(wrap(end), -1, extent - 1);
  const int64_t back = step == INT64_MIN ? INT64_MAX : -step;
  slice.count = slice.begin > stop ? (slice.begin - stop - 1) / back + 1 : 0;
  return slice;
}

void CopySlices(const Tensor& x, const std::vector<AxisSlice>& axes, Tensor& y) {
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  StridedView from;
  Dims dims;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].count == 0) return;
    from.offset += axes[i].begin * strides[i];
    from.strides.push_back(axes[i].count == 1 ? 0 : axes[i].step * strides[i]);
    dims.push_back(axes[i].count);
  }
  CopyStrided(x.dtype(), x.data(), from, y.data(), {0, DenseStrides(dims)}, dims);
}

}  // namespace slipway
