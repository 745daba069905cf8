#include "backends/cpu/kernels/move/copies.h"

#include <algorithm>
#include <cstring>

namespace slipway::cpu {
namespace {

// Appends a run of one: to the last entry where that goes on at the same pace, else as an entry of its own.
void Append(std::vector<CopyRuns>& list, const CopyRuns& run, int64_t max_elements) {
  if (!list.empty()) {
    CopyRuns& last = list.back();
    const int64_t from_step = run.from < 0 ? 0 : run.from - (last.from + (last.count - 1) * last.from_step);
    const int64_t to_step = run.to - (last.to + (last.count - 1) * last.to_step);
    const bool keeps_pace = last.count == 1 || (from_step == last.from_step && to_step == last.to_step);
    if (run.length == last.length && keeps_pace && (last.count + 1) * last.length <= max_elements) {
      last.from_step = from_step;
      last.to_step = to_step;
      ++last.count;
      return;
    }
  }
  list.push_back(run);
}

template <class T>
void CopyElements(const CopyRuns& runs, const uint8_t* x, uint8_t* y) {
  const T* from = reinterpret_cast<const T*>(x) + runs.from;
  T* to = reinterpret_cast<T*>(y) + runs.to;
  for (int64_t k = 0; k < runs.count; ++k) to[k * runs.to_step] = from[k * runs.from_step];
}

void Fill(const CopyRuns& runs, int64_t bytes, const uint8_t* fill, uint8_t* y) {
  const bool is_uniform = std::all_of(fill, fill + bytes, [&](uint8_t byte) { return byte == fill[0]; });
  for (int64_t k = 0; k < runs.count; ++k) {
    uint8_t* to = y + (runs.to + k * runs.to_step) * bytes;
    if (is_uniform) {
      std::memset(to, fill[0], static_cast<size_t>(runs.length * bytes));
      continue;
    }
    for (int64_t i = 0; i < runs.length; ++i) std::memcpy(to + i * bytes, fill, static_cast<size_t>(bytes));
  }
}

}  // namespace

std::vector<CopyRuns> PlanCopies(std::span<const int32_t> source, int64_t max_elements) {
  std::vector<CopyRuns> copies, fills;
  const auto count = static_cast<int64_t>(source.size());
  const auto at = [&](int64_t i) { return int64_t{source[static_cast<size_t>(i)]}; };
  for (int64_t i = 0; i < count;) {
    const int64_t first = at(i);
    const int64_t step = first == 0 ? 0 : 1;
    int64_t end = i + 1;
    while (end < count && end - i < max_elements && at(end) == first + (end - i) * step) ++end;
    Append(first == 0 ? fills : copies, {first - 1, i, end - i}, max_elements);
    i = end;
  }
  copies.insert(copies.end(), fills.begin(), fills.end());
  return copies;
}

void RunCopies(const CopyRuns& runs, int64_t element_bytes, const uint8_t* x, const uint8_t* fill,
               uint8_t* y) {
  if (runs.from < 0) return Fill(runs, element_bytes, fill, y);
  if (runs.length == 1 && element_bytes == 1) return CopyElements<uint8_t>(runs, x, y);
  if (runs.length == 1 && element_bytes == 2) return CopyElements<uint16_t>(runs, x, y);
  if (runs.length == 1 && element_bytes == 4) return CopyElements<uint32_t>(runs, x, y);
  if (runs.length == 1 && element_bytes == 8) return CopyElements<uint64_t>(runs, x, y);
  for (int64_t k = 0; k < runs.count; ++k) {
    std::memcpy(y + (runs.to + k * runs.to_step) * element_bytes,
                x + (runs.from + k * runs.from_step) * element_bytes,
                static_cast<size_t>(runs.length * element_bytes));
  }
}

}  // namespace slipway::cpu
