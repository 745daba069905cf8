// Data movement as a list of strided copies.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace slipway::cpu {

// `count` runs of `length` elements, run k from element from + k * from_step to to + k * to_step. from < 0:
// the runs are filled with one value.
struct CopyRuns {
  int64_t from = 0, to = 0, length = 0, count = 1, from_step = 0, to_step = 0;
};

// The copies that put element source[i] - 1 of x at place i, the fill value where source[i] is 0. Each holds
// about max_elements at most; they may run in any order.
std::vector<CopyRuns> PlanCopies(std::span<const int32_t> source, int64_t max_elements);

// x, y: elements of element_bytes; fill: one element.
void RunCopies(const CopyRuns& runs, int64_t element_bytes, const uint8_t* x, const uint8_t* fill,
               uint8_t* y);

}  // namespace slipway::cpu
