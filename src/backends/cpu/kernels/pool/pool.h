// Pools in both layouts. Channels last: vectors of channels of a window's pixels are folded together;
// channels first, and what fills no vector: plain loops, vectorised by the compiler, once per instruction
// set.
#pragma once

#include <cstdint>

#include "backends/cpu/kernels/conv/conv_f32.h"

namespace slipway::cpu {

struct Pool {
  ConvGeometry geometry;  // in_c channels, in_step and out_step between pixels; channels first: all 1, and
                          // batch counts planes
  bool counts_padding = false;
  int64_t pad_end_h = 0, pad_end_w = 0;  // matter if padding counts
  int64_t low = 0, high = 0;             // clamp of integers
  FusedActivation activation;            // of floats: clamps only
};

// Output rows [begin, end) of batch * out_h. T: float, int8_t or uint8_t.
//
// Max: padding never wins; NaN as the first pixel of a window stays, elsewhere it loses. Average: of integers
// rounded half away from zero; of no pixel 0.
template <class T>
void MaxPoolRows(const Pool& pool, const T* x, int64_t begin, int64_t end, T* y);
template <class T>
void AveragePoolRows(const Pool& pool, const T* x, int64_t begin, int64_t end, T* y);

template <>
void MaxPoolRows<float>(const Pool& pool, const float* x, int64_t begin, int64_t end, float* y);
template <>
void MaxPoolRows<int8_t>(const Pool& pool, const int8_t* x, int64_t begin, int64_t end, int8_t* y);
template <>
void MaxPoolRows<uint8_t>(const Pool& pool, const uint8_t* x, int64_t begin, int64_t end, uint8_t* y);
template <>
void AveragePoolRows<float>(const Pool& pool, const float* x, int64_t begin, int64_t end, float* y);
template <>
void AveragePoolRows<int8_t>(const Pool& pool, const int8_t* x, int64_t begin, int64_t end, int8_t* y);
template <>
void AveragePoolRows<uint8_t>(const Pool& pool, const uint8_t* x, int64_t begin, int64_t end, uint8_t* y);

}  // namespace slipway::cpu
