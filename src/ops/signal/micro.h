// What TensorFlow Lite Micro's audio operators share: vectors of integers, checked.
#pragma once

#include <bit>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

// An attribute that must lie in [low, high].
inline Status CheckRange(const InferContext& context, const char* name, int64_t low, int64_t high) {
  const int64_t value = context.attrs().Int(name);
  if (value >= low && value <= high) return Status::Ok();
  return context.Error(std::string(name) + " is " + std::to_string(value) + "; it must lie in " +
                       std::to_string(low) + ".." + std::to_string(high));
}

// `fft_length`: even, of the prime factors that Micro's transform has.
inline Status CheckFourierLength(const InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "fft_length", 4, 1 << 24));
  const int64_t length = context.attrs().Int("fft_length");
  if (length % 2 != 0) return context.Error("fft_length is " + std::to_string(length) + "; it must be even");
  int64_t rest = length;
  for (int64_t prime : {2, 3, 5}) {
    while (rest % prime == 0) rest /= prime;
  }
  if (rest == 1) return Status::Ok();
  return context.Unsupported(
      "fft_length is " + std::to_string(length) + "; lengths of the factors 2, 3 and 5 are done",
      "pad the frame to the next power of two");
}

// Output 0 = the shape of input 0, of another type.
inline Status InferAs(InferContext& context, DType dtype) {
  Type type = context.input(0);
  type.dtype = dtype;
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

// Bits up to the highest that is set; 0 of 0.
template <class T>
int BitLength(T x) {
  return static_cast<int>(std::bit_width(x));
}

}  // namespace slipway
