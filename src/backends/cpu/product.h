// Products on all threads of a pool.
#pragma once

#include "backends/cpu/kernels/gemm/gemm_f32.h"
#include "base/thread_pool.h"

namespace slipway::cpu {

// All of `rows` rows and all panels of the product.
void RunProduct(const GemmF32& gemm, int64_t rows, ThreadPool& pool);

}  // namespace slipway::cpu
