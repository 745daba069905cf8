// One element of any dtype, read and written as a double, an int64 or a small float.
//
// For reference kernels, importers and tests: obvious, not fast. Small floats follow IEEE 754 (f16), bfloat16
// and the OCP 8-bit / MX formats as ONNX defines them; conversions round to nearest, ties to even.
#pragma once

#include <cstdint>
#include <vector>

#include "slipway/dtype.h"
#include "slipway/tensor.h"

namespace slipway {

// Element `i` as a real number. bool gives 0 or 1; complex gives the real part.
// REQUIRES: dtype is not kString or kNone.
double LoadReal(DType dtype, const void* data, int64_t i);
// Rounds to the nearest representable value. Floats overflow as IEEE says (f8 without infinities: to NaN);
// integers: truncated toward zero, then wrapped modulo 2^bits (NaN gives 0); bool: value != 0.
void StoreReal(DType dtype, void* data, int64_t i, double value);

// Element `i` as an integer: floats are truncated, u64 keeps its bits.
int64_t LoadInt(DType dtype, const void* data, int64_t i);
// All elements of a tensor of numbers, in order.
std::vector<int64_t> IntsOf(const Tensor& tensor);
// Integers keep the low bits (wrap); floats: nearest; bool: value != 0.
void StoreInt(DType dtype, void* data, int64_t i, int64_t value);

// Copies element `from` of `source` to element `to` of `target`; both of `dtype`, strings and sub-byte
// included.
void CopyElement(DType dtype, const void* source, int64_t from, void* target, int64_t to);

float HalfToFloat(uint16_t bits);
uint16_t FloatToHalf(float value);
inline float BFloat16ToFloat(uint16_t bits) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16);
}
uint16_t FloatToBFloat16(float value);

// 8- and 4-bit floats by their bits. `saturate`: out-of-range values become the largest finite one instead of
// infinity or NaN (ONNX Cast's attribute).
double DecodeSmallFloat(DType dtype, uint8_t bits);
enum class Overflow { kToInfinity, kSaturate };
uint8_t EncodeSmallFloat(DType dtype, double value, Overflow overflow);

// Smallest and largest value of an integer dtype (u64 is capped at INT64_MAX).
int64_t MinOfInteger(DType dtype);
int64_t MaxOfInteger(DType dtype);

}  // namespace slipway
