// What a kernel packs once and reads at every run.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "base/pages.h"

namespace slipway {

// Elements aligned to 64 bytes: its own, zeroed at first and in large pages where that pays, or bytes that
// lie elsewhere, a mapped file. Copies share them.
template <class T>
class PackedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  PackedArray() = default;
  explicit PackedArray(int64_t count)
      : count_(count),
        memory_(AllocateLargePages(static_cast<size_t>(count) * sizeof(T))),
        data_(static_cast<const T*>(memory_.get())) {}
  // REQUIRES: whole elements, aligned to 64; alive as long as `owner`.
  PackedArray(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner)
      : count_(static_cast<int64_t>(bytes.size() / sizeof(T))),
        memory_(std::move(owner)),
        data_(reinterpret_cast<const T*>(bytes.data())) {}

  const T* data() const { return data_; }
  // REQUIRES: the elements are its own.
  T* mutable_data() { return const_cast<T*>(data_); }
  bool empty() const { return count_ == 0; }
  std::span<const uint8_t> bytes() const {
    return {reinterpret_cast<const uint8_t*>(data_), static_cast<size_t>(count_) * sizeof(T)};
  }
  const std::shared_ptr<const void>& owner() const { return memory_; }

 private:
  int64_t count_ = 0;
  std::shared_ptr<const void> memory_;
  const T* data_ = nullptr;
};

// A packed constant of a step: what a kernel made of its input `input` (backends/api/packed_inputs.h).
struct PackedPart {
  size_t input = 0;
  int number = 0;                  // tells the parts of one input apart
  std::span<const uint8_t> bytes;  // aligned to 64
  std::shared_ptr<const void> owner;
};

}  // namespace slipway
