#include "ops/transpose_tensor.h"

#include <numeric>

#include "base/pages.h"
#include "base/scalar.h"

namespace slipway {

Ints PermutationOf(const Attrs& attrs, int rank) {
  Ints perm = attrs.IntList("perm");
  if (!perm.empty() || rank == 0) return perm;
  perm.resize(static_cast<size_t>(rank));
  std::iota(perm.rbegin(), perm.rend(), 0);
  return perm;
}

Tensor TransposeTensor(const Tensor& tensor, const Ints& permutation) {
  const size_t rank = permutation.size();
  Dims dims(rank), strides(rank);  // strides: of the source, per axis of the result
  for (size_t i = 0; i < rank; ++i) {
    const auto axis = static_cast<size_t>(permutation[i]);
    dims[i] = tensor.dims()[axis];
    strides[i] = 1;
    for (size_t k = axis + 1; k < rank; ++k) strides[i] *= tensor.dims()[k];
  }
  Tensor result(tensor.dtype(), dims);
  std::vector<int64_t> index(rank, 0);
  const int64_t count = result.count();
  int64_t from = 0;
  for (int64_t to = 0; to < count; ++to) {
    CopyElement(tensor.dtype(), tensor.data(), from, result.data(), to);
    for (size_t k = rank; k-- > 0;) {
      from += strides[k];
      if (++index[k] < dims[k]) break;
      from -= strides[k] * dims[k];
      index[k] = 0;
    }
  }
  if (tensor.dtype() != DType::kString) OfferPages(tensor.bytes(), static_cast<size_t>(tensor.size_bytes()));
  return result;
}

}  // namespace slipway
