// Matrix products: shapes with numpy's rules and the loops that MatMul and its integer relatives share.
#pragma once

#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

enum class Transpose { kNo, kYes };

// Shape of a x b with batch broadcasting; vectors count as a row (left) or a column (right) and lose that
// axis.
Result<DimList> MatMulShape(const InferContext& context, DimList a, DimList b, Transpose transpose_a,
                            Transpose transpose_b);

// One call: batches of [m,k] x [k,n]; element (i,j) of a's batch p is at a_batch[p] + i*a_row + j*a_column.
struct MatMulCall {
  int64_t m = 1, n = 1, k = 1;
  int64_t a_row = 0, a_column = 0, b_row = 0, b_column = 0;
  std::vector<int64_t> a_batch, b_batch;  // offsets in elements
};
// REQUIRES: the shapes have passed MatMulShape.
MatMulCall PlanMatMul(Dims a, Dims b, Transpose transpose_a, Transpose transpose_b);

// y = a x b in Sum, row-major, batch by batch.
template <class T, class Sum, class Store>
void MultiplyMatrices(const MatMulCall& call, const T* a, const T* b, const Store& store) {
  int64_t to = 0;
  for (size_t batch = 0; batch < call.a_batch.size(); ++batch) {
    for (int64_t i = 0; i < call.m; ++i) {
      for (int64_t j = 0; j < call.n; ++j) {
        const int64_t row = call.a_batch[batch] + i * call.a_row;
        const int64_t column = call.b_batch[batch] + j * call.b_column;
        Sum sum = 0;
        for (int64_t k = 0; k < call.k; ++k) {
          sum += static_cast<Sum>(a[row + k * call.a_column]) * static_cast<Sum>(b[column + k * call.b_row]);
        }
        store(to++, sum);
      }
    }
  }
}

double MatMulFlops(const InferContext& context);

}  // namespace slipway
