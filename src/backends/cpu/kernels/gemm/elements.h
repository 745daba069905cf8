// f32 elements in memory: as floats, or as bf16 (the upper half of an f32, rounded to the nearest even) in
// half the bytes. A value between two kernels that can both bear it is stored so where bf16 was asked for
// (Kernel::CanReadBf16); all arithmetic on it is f32 or on pairs of bf16 (bf16.h).
#pragma once

#include <cstdint>
#include <type_traits>

#include "slipway/tensor.h"

namespace slipway::cpu {

template <class Byte>
class ElementsOf {
  static constexpr bool kIsConst = std::is_const_v<Byte>;
  template <class T>
  using Of = std::conditional_t<kIsConst, const T, T>;

 public:
  ElementsOf() = default;
  ElementsOf(Of<float>* floats) : at_(reinterpret_cast<Byte*>(floats)) {}
  ElementsOf(Of<uint16_t>* bf16) : at_(reinterpret_cast<Byte*>(bf16)), is_bf16_(true) {}
  ElementsOf(std::nullptr_t) {}
  // Of f32 or bf16.
  explicit ElementsOf(Of<Tensor>& tensor)
      : at_(static_cast<Byte*>(tensor.data())), is_bf16_(tensor.dtype() == DType::kBF16) {}

  // What may be written may be read.
  operator ElementsOf<const Byte>() const requires(!kIsConst) {
    return is_bf16_ ? ElementsOf<const Byte>(bf16()) : ElementsOf<const Byte>(floats());
  }

  bool is_bf16() const { return is_bf16_; }
  // REQUIRES: is_bf16() says so.
  Of<float>* floats() const { return reinterpret_cast<Of<float>*>(at_); }
  // As words of 32 bits, whatever they hold.
  Of<float>* words() const { return reinterpret_cast<Of<float>*>(at_); }
  Of<uint16_t>* bf16() const { return reinterpret_cast<Of<uint16_t>*>(at_); }

  ElementsOf operator+(int64_t count) const {
    ElementsOf moved = *this;
    moved += count;
    return moved;
  }
  ElementsOf& operator+=(int64_t count) {
    at_ += count * (is_bf16_ ? 2 : 4);
    return *this;
  }
  bool operator==(std::nullptr_t) const { return at_ == nullptr; }

 private:
  Byte* at_ = nullptr;
  bool is_bf16_ = false;
};

using Elements = ElementsOf<uint8_t>;
using ConstElements = ElementsOf<const uint8_t>;

}  // namespace slipway::cpu
