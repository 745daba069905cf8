// Chances, and tensors of them.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/scalar.h"

namespace slipway::fuzz {

class Random {
 public:
  explicit Random(uint64_t seed) : bits_(seed) {}

  size_t Below(size_t limit) { return limit == 0 ? 0 : bits_() % limit; }
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Below(static_cast<size_t>(high - low + 1)));
  }
  bool Chance(double probability) { return Real(0, 1) < probability; }
  double Real(double low, double high) {
    return low + (high - low) * static_cast<double>(bits_() >> 11) / 9007199254740992.0;
  }
  template <class T>
  const T& Of(const std::vector<T>& list) {
    return list[Below(list.size())];
  }

 private:
  std::mt19937_64 bits_;
};

// Numbers of [low, high], integers rounded down; bools and short strings whatever the range.
inline Tensor RandomTensor(Random& random, DType dtype, Dims dims, double low, double high) {
  Tensor tensor(dtype, std::move(dims));
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double value = random.Real(low, high);
    if (dtype == DType::kString) {
      tensor.as<std::string>()[i] = std::string(1, static_cast<char>('a' + random.Below(4)));
    } else if (IsInteger(dtype)) {
      StoreInt(dtype, tensor.data(), i, static_cast<int64_t>(std::floor(value)));
    } else if (dtype == DType::kBool) {
      StoreInt(dtype, tensor.data(), i, random.Chance(0.5) ? 1 : 0);
    } else {
      StoreReal(dtype, tensor.data(), i, value);
    }
  }
  return tensor;
}

// Every element is a finite number of [low, high]; strings and complex numbers pass.
inline bool IsWithin(const Tensor& tensor, double low, double high) {
  if (tensor.dtype() == DType::kString || IsComplex(tensor.dtype())) return true;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double value = LoadReal(tensor.dtype(), tensor.data(), i);
    if (!(value >= low && value <= high)) return false;
  }
  return true;
}

}  // namespace slipway::fuzz
