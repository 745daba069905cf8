#include "ops/transpose_tensor.h"

#include <cstring>
#include <numeric>

#include "base/pages.h"
#include "base/scalar.h"

namespace slipway {
namespace {

// Elements of T along one axis, wherever they lie.
template <class T>
void CopyApart(const uint8_t* from, int64_t stride, int64_t count, uint8_t* to) {
  constexpr auto kBytes = static_cast<int64_t>(sizeof(T));
  for (int64_t i = 0; i < count; ++i) std::memcpy(to + i * kBytes, from + i * stride * kBytes, sizeof(T));
}

// The same of any dtype; `from` and `to`: elements.
void CopyRun(DType dtype, const void* source, int64_t from, int64_t stride, int64_t count, void* target,
             int64_t to) {
  const int64_t bits = dtype == DType::kString ? 0 : BitsOf(dtype);
  const auto* first = static_cast<const uint8_t*>(source) + from * bits / 8;
  auto* result = static_cast<uint8_t*>(target) + to * bits / 8;
  switch (bits) {
    case 8: return CopyApart<uint8_t>(first, stride, count, result);
    case 16: return CopyApart<uint16_t>(first, stride, count, result);
    case 32: return CopyApart<uint32_t>(first, stride, count, result);
    case 64: return CopyApart<uint64_t>(first, stride, count, result);
    default: break;
  }
  for (int64_t i = 0; i < count; ++i) CopyElement(dtype, source, from + i * stride, target, to + i);
}

}  // namespace

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
  const DType dtype = tensor.dtype();
  Tensor result(dtype, dims);
  const int64_t count = result.count();
  // Along the last axis at once.
  const size_t outer = rank == 0 ? 0 : rank - 1;
  const int64_t run = rank == 0 ? 1 : dims[outer], stride = rank == 0 ? 0 : strides[outer];
  std::vector<int64_t> index(rank, 0);
  int64_t from = 0;
  for (int64_t to = 0; to < count; to += run) {
    CopyRun(dtype, tensor.bytes(), from, stride, run, result.data(), to);
    for (size_t k = outer; k-- > 0;) {
      from += strides[k];
      if (++index[k] < dims[k]) break;
      from -= strides[k] * dims[k];
      index[k] = 0;
    }
  }
  if (dtype != DType::kString) OfferPages(tensor.bytes(), static_cast<size_t>(tensor.size_bytes()));
  return result;
}

}  // namespace slipway
