#include "formats/keras/tensors.h"

#include <algorithm>

#include "base/pages.h"

namespace slipway::keras {

Tensor Transposed(const Tensor& tensor, const Ints& permutation) {
  const size_t rank = permutation.size();
  Dims dims(rank), strides(rank);  // strides: of the source, per axis of the result
  for (size_t i = 0; i < rank; ++i) {
    const auto axis = static_cast<size_t>(permutation[i]);
    dims[i] = tensor.dims()[axis];
    strides[i] = 1;
    for (size_t k = axis + 1; k < rank; ++k) strides[i] *= tensor.dims()[k];
  }
  Tensor result(DType::kF32, dims);
  std::vector<int64_t> index(rank, 0);
  int64_t from = 0;
  for (int64_t to = 0; to < result.count(); ++to) {
    result.as<float>()[to] = tensor.as<float>()[from];
    for (size_t k = rank; k-- > 0;) {
      from += strides[k];
      if (++index[k] < dims[k]) break;
      from -= strides[k] * dims[k];
      index[k] = 0;
    }
  }
  // Weights that lie in a mapped file are not held twice.
  OfferPages(tensor.data(), static_cast<size_t>(tensor.size_bytes()));
  return result;
}

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
