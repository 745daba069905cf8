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

std::vector<double> Reals(const Tensor& tensor) { return RealsOfRow(tensor, 0, tensor.count()); }

std::vector<double> RealsOfRow(const Tensor& tensor, int64_t row, int64_t length) {
  std::vector<double> values(static_cast<size_t>(length));
  for (int64_t i = 0; i < length; ++i)
    values[static_cast<size_t>(i)] = LoadReal(tensor.dtype(), tensor.data(), row * length + i);
  return values;
}

}  // namespace slipway
