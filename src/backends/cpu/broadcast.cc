#include "backends/cpu/broadcast.h"

namespace slipway::cpu {

int64_t BroadcastAt(int64_t index, std::span<const int64_t> out, std::span<const int64_t> own) {
  int64_t at = 0;
  int64_t stride = 1;
  for (size_t i = 0; i < own.size(); ++i) {
    const int64_t extent = own[own.size() - 1 - i];
    const int64_t whole = out[out.size() - 1 - i];
    if (extent != 1) at += index % whole * stride;
    index /= whole;
    stride *= extent;
  }
  return at;
}

Broadcast CollapseBroadcast(const Dims& out, const Dims& a, const Dims& b) {
  Broadcast result;
  int64_t a_stride = 1;
  int64_t b_stride = 1;
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t extent = out[out.size() - 1 - i];
    const int64_t in_a = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t in_b = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (extent == 1) continue;
    const int64_t step_a = in_a == 1 ? 0 : a_stride;
    const int64_t step_b = in_b == 1 ? 0 : b_stride;
    a_stride *= in_a;
    b_stride *= in_b;
    if (result.rank > 0) {
      const size_t last = result.rank - 1;
      const bool is_alike = (step_a == 0) == (result.a[last] == 0) && (step_b == 0) == (result.b[last] == 0);
      if (is_alike) {
        result.extent[last] *= extent;
        continue;
      }
    }
    result.extent[result.rank] = extent;
    result.a[result.rank] = step_a;
    result.b[result.rank] = step_b;
    ++result.rank;
  }
  if (result.rank == 0) {
    result.extent[0] = 1;
    result.rank = 1;
  }
  return result;
}

}  // namespace slipway::cpu
