// Tensor: a dense, row-major array with a dtype and a concrete shape.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "slipway/dtype.h"
#include "slipway/status.h"

namespace slipway {

using Dims = std::vector<int64_t>;

// Elements of a shape (1 for a scalar); an error when a dimension is negative or the product, or its size in
// bytes, leaves int64.
Result<int64_t> ElementCount(std::span<const int64_t> dims);
// The same without the check, for shapes that have been verified.
int64_t CountOf(std::span<const int64_t> dims);
// "[1,3,224,224]"
std::string ToString(std::span<const int64_t> dims);

// How integers stand for reals: real = scale * (q - zero_point), per tensor (one entry, axis < 0) or per
// slice along `axis`.
struct Quant {
  std::vector<float> scales;
  std::vector<int64_t> zero_points;
  int axis = -1;

  bool IsPerAxis() const { return axis >= 0; }
  bool operator==(const Quant&) const = default;
};

// Shares its storage when copied; the storage may also belong to someone else (a mapped file, an arena, the
// caller), who must then outlive it. Not synchronised: one writer at a time.
class Tensor {
 public:
  Tensor() = default;
  // Owns zeroed (for strings: empty) storage, aligned to 64 bytes.
  Tensor(DType dtype, Dims dims);
  // Looks at memory of at least size_bytes() owned elsewhere; `keep_alive` may hold the owner.
  Tensor(DType dtype, Dims dims, void* data, std::shared_ptr<const void> keep_alive = nullptr);
  // Looks at elements that lie at any address, as files may have them, and do not change. The first call of
  // data(), of any copy and on any thread, copies them to where they are aligned, and then calls `on_copied`.
  // Not for strings.
  static Tensor AtAnyAddress(DType dtype, Dims dims, const void* bytes,
                             std::shared_ptr<const void> keep_alive, std::function<void()> on_copied = {});

  template <class T>
  static Tensor From(DType dtype, Dims dims, std::span<const T> values);

  bool IsNone() const { return dtype_ == DType::kNone; }
  DType dtype() const { return dtype_; }
  const Dims& dims() const { return dims_; }
  int rank() const { return static_cast<int>(dims_.size()); }
  int64_t dim(int axis) const { return dims_[axis < 0 ? axis + rank() : axis]; }
  int64_t count() const { return CountOf(dims_); }
  int64_t size_bytes() const { return BytesOf(dtype_, count()); }

  void* data() { return data_ != nullptr ? data_ : Aligned(); }
  const void* data() const { return data_ != nullptr ? data_ : Aligned(); }
  // The elements where they lie, aligned or not: for who copies bytes.
  const void* bytes() const;
  template <class T>
  T* as() {
    return static_cast<T*>(data());
  }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data());
  }
  template <class T>
  std::span<const T> values() const {
    return {as<T>(), static_cast<size_t>(count())};
  }
  template <class T>
  std::span<T> values() {
    return {as<T>(), static_cast<size_t>(count())};
  }

  // The same storage under another shape of equal count.
  Tensor Reshaped(Dims dims) const;
  // A deep copy with storage of its own.
  Tensor Clone() const;

 private:
  struct Unaligned;
  void* Aligned() const;

  DType dtype_ = DType::kNone;
  Dims dims_;
  void* data_ = nullptr;  // null though there is an owner: this is an Unaligned
  std::shared_ptr<const void> owner_;
};

// "f32[1,3,224,224]"
std::string Describe(const Tensor& tensor);

template <class T>
Tensor Tensor::From(DType dtype, Dims dims, std::span<const T> values) {
  Tensor tensor(dtype, std::move(dims));
  for (size_t i = 0; i < values.size(); ++i) tensor.as<T>()[i] = values[i];
  return tensor;
}

}  // namespace slipway
