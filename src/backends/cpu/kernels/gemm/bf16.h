// bf16 operands of gemm_f32.h: the upper half of an f32, rounded to the nearest even. Two neighbours in k lie
// in the place of one float (a pair), the first in the lower half; a last one without a partner has 0.
//
// Products of pairs are summed in f32 (AVX512-BF16's VDPBF16PS, ARM's BFDOT; both take denormals as 0): twice
// as many per instruction as of f32.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backends/cpu/kernels/gemm/elements.h"
#include "base/round_up.h"

namespace slipway::cpu {

// Why this machine cannot; nullopt if it can.
std::optional<std::string> WhyNoBf16();

constexpr int64_t PairsOf(int64_t count) { return DivideUp(count, 2); }

// REQUIRES (where floats are converted): !WhyNoBf16().
// Rows of `count` elements, `step` apart, to rows of PairsOf(count) pairs, dense.
void ConvertRowsToPairs(ConstElements from, int64_t step, int64_t rows, int64_t count, float* pairs);
// Whether such rows are rows of pairs where they lie, step / 2 apart.
inline bool ArePairs(ConstElements from, int64_t step, int64_t count) {
  return from.is_bf16() && count % 2 == 0 && step % 2 == 0;
}

// PackPanels of gemm_f32.h to [panel][tap][pair of c][16]. On any machine.
void PackPanelsBf16(const float* b, int64_t columns, int64_t taps, int64_t depth, int64_t stride_n,
                    int64_t stride_tap, int64_t stride_c, float* packed);

}  // namespace slipway::cpu
