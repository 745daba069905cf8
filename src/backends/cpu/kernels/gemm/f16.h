// f16 operands of gemm_f32.h: an f32 rounded to the nearest f16, ties to even; beyond 65504 that is an
// infinity, denormals of f16 are kept. Two neighbours in k lie in the place of one float (a pair), the first
// in the lower half; a last one without a partner has 0.
//
// A product of two f16 is exact in f32 and added to a sum in f32 with one rounding (FMLAL of ARMv8.2): the
// sums are those of gemm_f32.h on rounded operands. As many products per instruction as of f32, with half the
// weights to be read. Left out: sums in f16, which are twice as fast and lose what f16 has of precision to
// the depth.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backends/cpu/kernels/gemm/bf16.h"
#include "backends/cpu/kernels/gemm/gemm_f32.h"

namespace slipway::cpu {

// Why this machine cannot; nullopt if it can.
std::optional<std::string> WhyNoF16();

// Rows of `count` floats, `step` apart, to rows of PairsOf(count) pairs, dense. REQUIRES: !WhyNoF16(),
// !from.is_bf16().
void ConvertRowsToF16Pairs(ConstElements from, int64_t step, int64_t rows, int64_t count, float* pairs);

// ConvertRowsToPairs (bf16.h) or ConvertRowsToF16Pairs, whichever `operands` are; not kF32.
inline void ConvertRowsTo(Operands operands, ConstElements from, int64_t step, int64_t rows, int64_t count,
                          float* pairs) {
  const auto convert = operands == Operands::kF16Pairs ? ConvertRowsToF16Pairs : ConvertRowsToPairs;
  convert(from, step, rows, count, pairs);
}

// PackPanels of gemm_f32.h to [panel][tap][pair of c][16 / 4][2][4]: the first halves of four pairs stand
// before their second halves, as the instruction takes them. On any machine.
void PackPanelsF16(const float* b, int64_t columns, int64_t taps, int64_t depth, int64_t stride_n,
                   int64_t stride_tap, int64_t stride_c, float* packed);

}  // namespace slipway::cpu
