#include "backends/cpu/kernels/move/transpose.h"

#include <algorithm>

#include "backends/cpu/kernels/move/interleave.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kBlock = 16;  // a cache line of f32 in both directions

void TransposeRows(const float* x, int64_t rows, int64_t columns, int64_t row_begin, int64_t row_end,
                   float* y) {
  for (int64_t c0 = 0; c0 < columns; c0 += kBlock) {
    const int64_t c1 = std::min(c0 + kBlock, columns);
    for (int64_t c = c0; c < c1; ++c) {
      for (int64_t r = row_begin; r < row_end; ++r) y[c * rows + r] = x[r * columns + c];
    }
  }
}

// False: not few planes, or small ones: a loop for each would be dear.
bool InterleaveFew(const float* x, int64_t batch, int64_t rows, int64_t columns, float* y, ThreadPool& pool) {
  constexpr int64_t kGrain = 4096;
  if (columns < kGrain || rows < 2 || rows > kMaxPlanes) return false;
  for (int64_t n = 0; n < batch; ++n, x += rows * columns, y += rows * columns) {
    pool.ParallelFor(columns, kGrain, [&](int64_t begin, int64_t end) {
      InterleavePlanes(x + begin, columns, rows, end - begin, y + begin * rows);
    });
  }
  return true;
}

}  // namespace

void TransposeImages(const float* x, int64_t batch, int64_t rows, int64_t columns, float* y,
                     ThreadPool& pool) {
  if (InterleaveFew(x, batch, rows, columns, y, pool)) return;
  const int64_t blocks = (rows + kBlock - 1) / kBlock;
  const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, kBlock * columns));
  pool.ParallelFor(batch * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t offset = i / blocks * rows * columns;
      const int64_t row = i % blocks * kBlock;
      TransposeRows(x + offset, rows, columns, row, std::min(row + kBlock, rows), y + offset);
    }
  });
}

}  // namespace slipway::cpu
