// Products on all threads of a pool.
#pragma once

#include "backends/api/backend.h"
#include "backends/cpu/kernels/gemm/gemm_f32.h"

namespace slipway::cpu {

constexpr Operands OperandsOf(Precision precision) {
  return precision == Precision::kBf16  ? Operands::kBf16Pairs
         : precision == Precision::kF16 ? Operands::kF16Pairs
                                        : Operands::kF32;
}

// How many tasks of so many multiplications are worth waking a thread for.
int64_t GrainOf(int64_t multiplications);

// Of few rows: whether threads share out the rows, each reading all of B, rather than the panels. A thread
// that keeps its rows from layer to layer finds them in its own cache.
bool SharesRows(int64_t rows, int64_t depth, int64_t panels, int64_t threads);

// All of `rows` rows and all panels of the product; A is a plain matrix.
void RunProduct(const GemmF32& gemm, int64_t rows, ThreadPool& pool);

// The same by products of pairs (gemm.operands, which B is packed as) with the rows of `a`, gemm.a_step
// apart; gemm.a is not read. Rows that are no pairs (ArePairs) are converted: few at once, to `shared` of
// PairSharedBytes, many a block at a time, to a thread's workspace of PairThreadBytes.
void RunProductOfPairs(const GemmF32& gemm, ConstElements a, int64_t rows, uint8_t* shared,
                       const KernelArgs& args);
int64_t PairSharedBytes(int64_t rows, int64_t depth);
int64_t PairThreadBytes(int64_t rows, int64_t depth);

}  // namespace slipway::cpu
