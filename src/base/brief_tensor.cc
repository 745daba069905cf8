#include "base/brief_tensor.h"

#include <new>
#include <utility>

namespace slipway {

Tensor BriefTensor(DType dtype, Dims dims) {
  if (dtype == DType::kString) return Tensor(dtype, std::move(dims));
  constexpr auto kAlignment = std::align_val_t(64);
  constexpr size_t kSpare = 64;  // as behind every tensor: kernels may look beyond the last element
  const auto size = static_cast<size_t>(BytesOf(dtype, CountOf(dims))) + kSpare;
  std::shared_ptr<void> bytes(::operator new(size, kAlignment),
                              [](void* memory) { ::operator delete(memory, kAlignment); });
  void* data = bytes.get();
  return Tensor(dtype, std::move(dims), data, std::move(bytes));
}

}  // namespace slipway
