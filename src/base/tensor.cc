#include "slipway/tensor.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>

#include "base/pages.h"

namespace slipway {
namespace {

constexpr size_t kAlignment = 64;  // one cache line, one AVX-512 register

// From here on, storage is pages of its own. An allocator keeps the holes that aligned storage leaves and
// does not fit the like into them again: rewriting a network's weights one by one would hold all of them
// twice. Smaller ones are few bytes of a network, and a page each would be dear.
constexpr size_t kMinPagedBytes = size_t{64} << 10;

// AddressSanitizer watches the ends of what operator new gives.
constexpr bool IsWatched() {
#if defined(__SANITIZE_ADDRESS__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

std::shared_ptr<void> AllocateBytes(int64_t size_bytes) {
  const size_t padded = static_cast<size_t>((size_bytes + 63) / 64 * 64 + 64);
  if (padded >= kMinPagedBytes && !IsWatched()) return AllocatePages(padded);
  void* memory = ::operator new(padded, std::align_val_t(kAlignment));
  std::memset(memory, 0, padded);
  return {memory, [](void* p) { ::operator delete(p, std::align_val_t(kAlignment)); }};
}

}  // namespace

Result<int64_t> ElementCount(std::span<const int64_t> dims) {
  // 16 bytes is the widest element; the limit keeps every byte count inside int64.
  constexpr int64_t kMaxCount = INT64_MAX / 32;
  int64_t count = 1;
  bool is_empty = false;
  for (int64_t dim : dims) {
    if (dim < 0) return Status(Code::kInvalidModel, "shape " + ToString(dims) + " has a negative dimension");
    if (dim == 0) is_empty = true;
  }
  if (is_empty) return int64_t{0};
  for (int64_t dim : dims) {
    if (count > kMaxCount / dim)
      return Status(Code::kInvalidModel, "shape " + ToString(dims) + " is too large");
    count *= dim;
  }
  return count;
}

int64_t CountOf(std::span<const int64_t> dims) {
  // First of all: the other extents of an empty tensor may be so large that their product overflows.
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return 0;
  int64_t count = 1;
  for (int64_t dim : dims) count *= dim;
  return count;
}

std::string ToString(std::span<const int64_t> dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i) text += ',';
    text += std::to_string(dims[i]);
  }
  return text + "]";
}

Tensor::Tensor(DType dtype, Dims dims) : dtype_(dtype), dims_(std::move(dims)) {
  if (dtype_ == DType::kString) {
    if (count() == 0) return;
    auto strings = std::make_shared<std::vector<std::string>>(static_cast<size_t>(count()));
    data_ = strings->data();
    owner_ = std::move(strings);
    return;
  }
  auto bytes = AllocateBytes(size_bytes());
  data_ = bytes.get();
  owner_ = std::move(bytes);
}

Tensor::Tensor(DType dtype, Dims dims, void* data, std::shared_ptr<const void> keep_alive)
    : dtype_(dtype),
      dims_(std::move(dims)),
      data_(data),
      owner_(data == nullptr ? nullptr : std::move(keep_alive)) {}

// Shared by the tensors that look at the same elements.
struct Tensor::Unaligned {
  const void* bytes;
  std::shared_ptr<const void> keep_alive;
  std::function<void()> on_copied;
  std::once_flag is_copied;
  std::shared_ptr<void> copy;
};

Tensor Tensor::AtAnyAddress(DType dtype, Dims dims, const void* bytes, std::shared_ptr<const void> keep_alive,
                            std::function<void()> on_copied) {
  Tensor tensor(dtype, std::move(dims), nullptr, nullptr);
  auto unaligned = std::make_shared<Unaligned>();
  unaligned->bytes = bytes;
  unaligned->keep_alive = std::move(keep_alive);
  unaligned->on_copied = std::move(on_copied);
  tensor.owner_ = std::move(unaligned);
  return tensor;
}

void* Tensor::Aligned() const {
  if (owner_ == nullptr) return nullptr;
  auto* unaligned = static_cast<Unaligned*>(const_cast<void*>(owner_.get()));
  std::call_once(unaligned->is_copied, [&] {
    unaligned->copy = AllocateBytes(size_bytes());
    std::memcpy(unaligned->copy.get(), unaligned->bytes, static_cast<size_t>(size_bytes()));
    if (unaligned->on_copied) unaligned->on_copied();
  });
  return unaligned->copy.get();
}

const void* Tensor::bytes() const {
  if (data_ != nullptr || owner_ == nullptr) return data_;
  return static_cast<const Unaligned*>(owner_.get())->bytes;
}

Tensor Tensor::Reshaped(Dims dims) const {
  Tensor result = *this;
  result.dims_ = std::move(dims);
  return result;
}

Tensor Tensor::Clone() const {
  if (IsNone()) return {};
  Tensor copy(dtype_, dims_);
  if (dtype_ == DType::kString) {
    for (int64_t i = 0; i < count(); ++i) copy.as<std::string>()[i] = as<std::string>()[i];
  } else if (size_bytes() > 0) {
    std::memcpy(copy.data(), bytes(), static_cast<size_t>(size_bytes()));
  }
  return copy;
}

std::string Describe(const Tensor& tensor) {
  return std::string(DTypeName(tensor.dtype())) + ToString(tensor.dims());
}

}  // namespace slipway
