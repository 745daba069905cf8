// Broadcasting of two operands as runs along few axes.
#pragma once

#include <algorithm>
#include <array>

#include "base/thread_pool.h"
#include "slipway/tensor.h"

namespace slipway::cpu {

inline constexpr size_t kMaxBroadcastRank = 8;

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

}  // namespace slipway::cpu
