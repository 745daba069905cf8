// Transposition of matrices of 4-byte elements, block by block.
#pragma once

#include <cstdint>

#include "base/thread_pool.h"

namespace slipway::cpu {

// x: `batch` matrices [rows][columns], row-major; y: the same [columns][rows]. x and y do not overlap.
void TransposeImages(const float* x, int64_t batch, int64_t rows, int64_t columns, float* y,
                     ThreadPool& pool);

}  // namespace slipway::cpu
