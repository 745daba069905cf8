#include "ops/shape/strided.h"

#include <cstring>

#include "base/scalar.h"

namespace slipway {

std::vector<int64_t> DenseStrides(std::span<const int64_t> dims) {
  std::vector<int64_t> strides(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= dims[i];
  }
  return strides;
}

void CopyStrided(DType dtype, const void* source, const StridedView& from, void* target,
                 const StridedView& to, const Dims& dims) {
  if (CountOf(dims) == 0) return;
  const size_t rank = dims.size();
  // The trailing axes that are dense on both sides form one run.
  int64_t run = 1;
  size_t outer = rank;
  while (outer > 0 &&
         (dims[outer - 1] == 1 || (from.strides[outer - 1] == run && to.strides[outer - 1] == run))) {
    run *= dims[--outer];
  }
  const bool can_copy_bytes = dtype != DType::kString && !IsSubByte(dtype);
  const int64_t size = can_copy_bytes ? BitsOf(dtype) / 8 : 0;
  std::vector<int64_t> index(outer, 0);
  int64_t s = from.offset;
  int64_t t = to.offset;
  while (true) {
    if (can_copy_bytes) {
      std::memcpy(static_cast<char*>(target) + t * size, static_cast<const char*>(source) + s * size,
                  static_cast<size_t>(run * size));
    } else {
      for (int64_t i = 0; i < run; ++i) CopyElement(dtype, source, s + i, target, t + i);
    }
    size_t axis = outer;
    while (axis > 0) {
      --axis;
      s += from.strides[axis];
      t += to.strides[axis];
      if (++index[axis] < dims[axis]) break;
      s -= from.strides[axis] * dims[axis];
      t -= to.strides[axis] * dims[axis];
      index[axis] = 0;
      if (axis == 0) return;
    }
    if (outer == 0) return;
  }
}

}  // namespace slipway
