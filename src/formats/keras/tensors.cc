#include "formats/keras/tensors.h"

#include <algorithm>

namespace slipway::keras {

Tensor BlocksReordered(const Tensor& tensor, int64_t axis, const Ints& order) {
  int64_t outer = 1, inner = 1;
  for (int64_t i = 0; i < axis; ++i) outer *= tensor.dims()[static_cast<size_t>(i)];
  for (size_t i = static_cast<size_t>(axis) + 1; i < tensor.dims().size(); ++i) inner *= tensor.dims()[i];
  const auto blocks = static_cast<int64_t>(order.size());
  const int64_t size = tensor.dims()[static_cast<size_t>(axis)] / blocks * inner;
  Tensor result(DType::kF32, tensor.dims());
  for (int64_t row = 0; row < outer; ++row) {
    for (int64_t block = 0; block < blocks; ++block) {
      const float* from = tensor.as<float>() + (row * blocks + order[static_cast<size_t>(block)]) * size;
      std::copy(from, from + size, result.as<float>() + (row * blocks + block) * size);
    }
  }
  return result;
}

Tensor Joined(const Tensor& a, const Tensor& b) {
  Dims dims = a.dims();
  dims[0] += b.dims()[0];
  Tensor result(DType::kF32, dims);
  std::copy(a.as<float>(), a.as<float>() + a.count(), result.as<float>());
  std::copy(b.as<float>(), b.as<float>() + b.count(), result.as<float>() + a.count());
  return result;
}

Tensor Filled(const Dims& dims, float value) {
  Tensor tensor(DType::kF32, dims);
  std::fill(tensor.as<float>(), tensor.as<float>() + tensor.count(), value);
  return tensor;
}

Tensor OfNumbers(const std::vector<double>& values) {
  Tensor tensor(DType::kF32, {static_cast<int64_t>(values.size())});
  std::transform(values.begin(), values.end(), tensor.as<float>(),
                 [](double value) { return static_cast<float>(value); });
  return tensor;
}

}  // namespace slipway::keras
