// Broadcasting of two operands as runs along few axes.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "backends/cpu/kernels/elementwise/run.h"
#include "base/thread_pool.h"
#include "slipway/tensor.h"

namespace slipway::cpu {

inline constexpr size_t kMaxBroadcastRank = 8;

// Where element `index` of a result of extents `out` lies in an operand of extents `own` that broadcasts to
// it, its axes aligned to the result's last.
int64_t BroadcastAt(int64_t index, std::span<const int64_t> out, std::span<const int64_t> own);

// A broadcast as few axes as possible: neighbours that run alike on both sides are one.
struct Broadcast {
  size_t rank = 0;
  std::array<int64_t, kMaxBroadcastRank> extent{}, a{}, b{};  // innermost first; strides, 0 where repeated
};

// REQUIRES: a and b broadcast to out, of rank kMaxBroadcastRank at most.
Broadcast CollapseBroadcast(const Dims& out, const Dims& a, const Dims& b);

// Calls row(begin in a, begin in b, elements, begin in y) for runs along the innermost axis, on several
// threads.
template <class F>
void ForEachRun(const Broadcast& shape, int64_t count, int64_t grain, ThreadPool& pool, const F& row) {
  const int64_t width = shape.extent[0];
  if (shape.rank == 1) {
    pool.ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
      row(begin * shape.a[0], begin * shape.b[0], end - begin, begin);
    });
    return;
  }
  pool.ParallelFor(count / width, std::max<int64_t>(1, grain / width), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t rest = i;
      int64_t at_a = 0;
      int64_t at_b = 0;
      for (size_t k = 1; k < shape.rank; ++k) {
        const int64_t index = rest % shape.extent[k];
        rest /= shape.extent[k];
        at_a += index * shape.a[k];
        at_b += index * shape.b[k];
      }
      row(at_a, at_b, width, i * width);
    }
  });
}

inline constexpr int64_t kRowTile = 512;  // elements of a short row, many times over

// Whether one side is one dense run, and the other the same short row again and again: channels of pixels.
inline bool IsShortRowAgain(const Broadcast& shape, const std::array<int64_t, kMaxBroadcastRank>& dense,
                            const std::array<int64_t, kMaxBroadcastRank>& again) {
  const int64_t width = shape.extent[0];
  return shape.rank == 2 && width <= kRowTile / 4 && dense[0] == 1 && dense[1] == width && again[0] == 1 &&
         again[1] == 0;
}

// y = f(a, b) under broadcasting, on several threads: calls run(a, b, elements, y) for runs in which each
// operand goes on or stands still, as `row.a` and `row.b` say, which are set before. T: of the operands, U:
// of the result.
template <class T, class U = T, class Row, class F>
void ZipRuns(const Tensor& a_tensor, const Tensor& b_tensor, Tensor& y_tensor, Row& row, int64_t grain,
             ThreadPool& pool, const F& run) {
  const int64_t count = y_tensor.count();
  if (count == 0) return;
  const T* a = a_tensor.as<T>();
  const T* b = b_tensor.as<T>();
  U* y = y_tensor.as<U>();
  const Broadcast shape = CollapseBroadcast(y_tensor.dims(), a_tensor.dims(), b_tensor.dims());
  const bool is_b_again = IsShortRowAgain(shape, shape.a, shape.b);
  if (is_b_again || IsShortRowAgain(shape, shape.b, shape.a)) {
    row.a = row.b = Run::kEach;
    const int64_t width = shape.extent[0];
    const int64_t rows = kRowTile / width;
    T tile[kRowTile];
    for (int64_t i = 0; i < rows; ++i) std::copy_n(is_b_again ? b : a, width, tile + i * width);
    pool.ParallelFor(shape.extent[1], std::max<int64_t>(1, grain / width), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i += rows) {
        const int64_t at = i * width;
        run(is_b_again ? a + at : tile, is_b_again ? tile : b + at, std::min(rows, end - i) * width, y + at);
      }
    });
    return;
  }
  row.a = shape.a[0] == 0 ? Run::kRepeated : Run::kEach;
  row.b = shape.b[0] == 0 ? Run::kRepeated : Run::kEach;
  ForEachRun(shape, count, grain, pool, [&](int64_t at_a, int64_t at_b, int64_t width, int64_t at) {
    run(a + at_a, b + at_b, width, y + at);
  });
}

}  // namespace slipway::cpu
