// Sums and products of quantised integers on contiguous runs, to the bit as TFLite's reference kernels.
#pragma once

#include <cstdint>

#include "backends/cpu/kernels/elementwise/elementwise_f32.h"
#include "base/fixed_point.h"

namespace slipway::cpu {

// kSum: scaled(a << left_shift, by_a) + sign * scaled(b << left_shift, by_b), scaled by_out; kProduct:
// (a - a_zero) * (b - b_zero), scaled by_out; then clamped, zero point added.
struct QuantizedRow {
  enum class Function { kSum, kProduct };
  Function function = Function::kSum;
  Run a = Run::kEach, b = Run::kEach;
  int32_t a_zero = 0, b_zero = 0, out_zero = 0;
  int left_shift = 0;
  int32_t sign = 1;
  FixedMultiplier by_a, by_b, by_out;
  int32_t low = 0, high = 0;  // of the result before the zero point is added
};

// T: int8_t, uint8_t or int16_t.
template <class T>
void RunQuantizedRow(const QuantizedRow& row, const T* a, const T* b, int64_t count, T* y);

template <>
void RunQuantizedRow<int8_t>(const QuantizedRow&, const int8_t*, const int8_t*, int64_t, int8_t*);
template <>
void RunQuantizedRow<uint8_t>(const QuantizedRow&, const uint8_t*, const uint8_t*, int64_t, uint8_t*);
template <>
void RunQuantizedRow<int16_t>(const QuantizedRow&, const int16_t*, const int16_t*, int64_t, int16_t*);

}  // namespace slipway::cpu
