#include "backends/cpu/kernels/gemm/gemm_f32.h"

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/gemm/gemm_f32.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/gemm/tile-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {

void RunGemm(const GemmF32& gemm, int64_t rows, int64_t panel_begin, int64_t panel_end) {
#if SLIPWAY_CPU_HAS_BF16
  if (gemm.operands == Operands::kBf16Pairs)
    return RunGemmTiles<MultiplyBf16>(gemm, rows, panel_begin, panel_end);
#endif
#if SLIPWAY_CPU_HAS_F16
  if (gemm.operands == Operands::kF16Pairs)
    return RunGemmTiles<MultiplyF16>(gemm, rows, panel_begin, panel_end);
#endif
  // A better target than those that have them, of a later Highway, say.
  if (gemm.operands != Operands::kF32) HWY_ABORT("products of 16 bits on a target without them");
  RunGemmTiles(gemm, rows, panel_begin, panel_end);
}

int64_t TileRows() { return kTileRows; }

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {
HWY_EXPORT(RunGemm);
HWY_EXPORT(TileRows);

void RunGemmF32(const GemmF32& gemm, int64_t rows, int64_t panel_begin, int64_t panel_end) {
  HWY_DYNAMIC_DISPATCH(RunGemm)(gemm, rows, panel_begin, panel_end);
}

int64_t GemmF32TileRows() { return HWY_DYNAMIC_DISPATCH(TileRows)(); }

void PackPanels(const float* b, int64_t columns, int64_t taps, int64_t depth, int64_t stride_n,
                int64_t stride_tap, int64_t stride_c, float* packed) {
  for (int64_t first = 0; first < columns; first += kPanel) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t c = 0; c < depth; ++c) {
        for (int64_t n = first; n < first + kPanel; ++n) {
          *packed++ = n < columns ? b[n * stride_n + tap * stride_tap + c * stride_c] : 0.0F;
        }
      }
    }
  }
}

}  // namespace slipway::cpu
#endif
