#include "ops/nn/reals.h"

#include "base/scalar.h"

namespace slipway {

Tensor ConvertTensor(const Tensor& tensor, DType dtype) {
  if (tensor.dtype() == dtype) return tensor;
  Tensor result(dtype, tensor.dims());
  StoreTensor(tensor, result);
  return result;
}

void StoreTensor(const Tensor& from, Tensor& to) {
  const int64_t count = to.count();
  const bool is_exact = IsInteger(from.dtype()) && IsInteger(to.dtype());
  for (int64_t i = 0; i < count; ++i) {
    if (is_exact) {
      StoreInt(to.dtype(), to.data(), i, LoadInt(from.dtype(), from.data(), i));
    } else {
      StoreReal(to.dtype(), to.data(), i, LoadReal(from.dtype(), from.data(), i));
    }
  }
}

std::vector<double> Reals(const Tensor& tensor) {
  std::vector<double> values(static_cast<size_t>(tensor.count()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = LoadReal(tensor.dtype(), tensor.data(), static_cast<int64_t>(i));
  }
  return values;
}

}  // namespace slipway
