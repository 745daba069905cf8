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

// The function for elements of so many bits; null: there is none.
auto CopyFor(int bits) -> decltype(&CopyApart<uint8_t>) {
  switch (bits) {
    case 8: return CopyApart<uint8_t>;
    case 16: return CopyApart<uint16_t>;
    case 32: return CopyApart<uint32_t>;
    case 64: return CopyApart<uint64_t>;
    default: return nullptr;
  }
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
  const bool is_text = dtype == DType::kString;
  const auto copy = is_text ? nullptr : CopyFor(BitsOf(dtype));
  const int64_t run = copy == nullptr || rank == 0 ? 1 : dims[rank - 1];  // elements at once
  const size_t outer = copy == nullptr || rank == 0 ? rank : rank - 1;    // axes around them
  const void* source = copy == nullptr ? tensor.data() : tensor.bytes();
  void* target = result.data();
  std::vector<int64_t> index(rank, 0);
  int64_t from = 0;
  for (int64_t to = 0; to < count; to += run) {
    if (copy == nullptr) {
      CopyElement(dtype, source, from, target, to);
    } else {
      const int64_t bytes = BitsOf(dtype) / 8;
      copy(static_cast<const uint8_t*>(source) + from * bytes, rank == 0 ? 0 : strides[rank - 1], run,
           static_cast<uint8_t*>(target) + to * bytes);
    }
    for (size_t k = outer; k-- > 0;) {
      from += strides[k];
      if (++index[k] < dims[k]) break;
      from -= strides[k] * dims[k];
      index[k] = 0;
    }
  }
  if (!is_text) OfferPages(tensor.bytes(), static_cast<size_t>(tensor.size_bytes()));
  return result;
}

}  // namespace slipway
