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
