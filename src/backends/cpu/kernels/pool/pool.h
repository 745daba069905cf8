// Pools, channels last: rows of channels are folded together, which compilers vectorise by themselves.
#pragma once

#include <cstdint>

#include "backends/cpu/kernels/conv/conv_f32.h"

namespace slipway::cpu {

struct Pool {
  ConvGeometry geometry;  // in_step == out_step channels
  bool counts_padding = false;
  int64_t low = 0, high = 0;   // clamp of integers
  FusedActivation activation;  // of floats: clamps only
};

// Output rows [begin, end) of batch * out_h. Integers: the maximum, or the mean rounded half away from zero.
template <class T>
void MaxPoolRows(const Pool& pool, const T* x, int64_t begin, int64_t end, T* y);
// sums: scratch of in_step elements, in f32 or i32.
void AveragePoolRows(const Pool& pool, const float* x, int64_t begin, int64_t end, float* y);
template <class T>
void AveragePoolRowsInteger(const Pool& pool, const T* x, int64_t begin, int64_t end, T* y);

extern template void MaxPoolRows<float>(const Pool&, const float*, int64_t, int64_t, float*);
extern template void MaxPoolRows<int8_t>(const Pool&, const int8_t*, int64_t, int64_t, int8_t*);
extern template void MaxPoolRows<uint8_t>(const Pool&, const uint8_t*, int64_t, int64_t, uint8_t*);
extern template void AveragePoolRowsInteger<int8_t>(const Pool&, const int8_t*, int64_t, int64_t, int8_t*);
extern template void AveragePoolRowsInteger<uint8_t>(const Pool&, const uint8_t*, int64_t, int64_t, uint8_t*);

}  // namespace slipway::cpu
