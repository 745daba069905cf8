// Products with few columns, where a panel of 16 would be mostly air: every element is a dot product along k.
#pragma once

#include "backends/cpu/kernels/gemm/gemm_f32.h"

namespace slipway::cpu {

inline constexpr int64_t kDotColumns = 4;  // at most

// GemmF32 with B packed otherwise: [column][k], columns <= kDotColumns. The bias needs `columns` elements
// only.
void RunDotF32(const GemmF32& gemm, int64_t rows);

}  // namespace slipway::cpu
