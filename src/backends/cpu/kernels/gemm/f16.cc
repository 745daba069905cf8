#include "backends/cpu/kernels/gemm/f16.h"

#include <algorithm>

#include "backends/cpu/kernels/gemm/gemm_f32.h"
#include "backends/cpu/kernels/simd/arm_extensions.h"
#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/gemm/f16.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/gemm/f16-inl.h"
#include "backends/cpu/kernels/simd/partial-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {

#if SLIPWAY_CPU_HAS_F16
void ConvertRowsF16(const float* from, int64_t step, int64_t rows, int64_t count, float* pairs) {
  const DF d;
  for (int64_t row = 0; row < rows; ++row, from += step, pairs += PairsOf(count)) {
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) StoreF16(hn::LoadU(d, from + i), pairs + i / 2);
    if (i == count) continue;
    HWY_ALIGN float last[kLanes / 2];
    StoreF16(LoadFirst(d, from + i, static_cast<size_t>(count - i)), last);
    std::copy_n(last, PairsOf(count - i), pairs + i / 2);
  }
}
#else
void ConvertRowsF16(const float*, int64_t, int64_t, int64_t, float*) {
  HWY_ABORT("products of f16 on a machine without them");
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <bit>

#include "base/scalar.h"

namespace slipway::cpu {
namespace {
HWY_EXPORT(ConvertRowsF16);
}  // namespace

std::optional<std::string> WhyNoF16() {
  if (FindArmExtensions().f16_products) return std::nullopt;
  return "this processor has no products of f16 with sums of f32 (FHM of 64-bit ARM)";
}

void ConvertRowsToF16Pairs(ConstElements from, int64_t step, int64_t rows, int64_t count, float* pairs) {
  HWY_DYNAMIC_DISPATCH(ConvertRowsF16)(from.floats(), step, rows, count, pairs);
}

void PackPanelsF16(const float* b, int64_t columns, int64_t taps, int64_t depth, int64_t stride_n,
                   int64_t stride_tap, int64_t stride_c, float* packed) {
  constexpr int64_t kColumns = 4;  // of one instruction
  const auto at = [&](int64_t n, int64_t tap, int64_t c) {
    if (n >= columns || c >= depth) return uint32_t{0};
    return uint32_t{FloatToHalf(b[n * stride_n + tap * stride_tap + c * stride_c])};
  };
  for (int64_t first = 0; first < PanelsOf(columns) * kPanel; first += kPanel) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t c = 0; c < depth; c += 2) {
        for (int64_t n = first; n < first + kPanel; n += kColumns) {
          for (int64_t half = 0; half < 2; ++half) {
            for (int64_t i = 0; i < kColumns; i += 2) {
              *packed++ = std::bit_cast<float>(at(n + i, tap, c + half) | at(n + i + 1, tap, c + half) << 16);
            }
          }
        }
      }
    }
  }
}

}  // namespace slipway::cpu
#endif
