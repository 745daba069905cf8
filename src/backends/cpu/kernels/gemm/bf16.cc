#include "backends/cpu/kernels/gemm/bf16.h"

#include <algorithm>

#include "backends/cpu/kernels/gemm/gemm_f32.h"
#include "backends/cpu/kernels/simd/arm_extensions.h"
#include "backends/cpu/kernels/simd/supported_targets.h"
#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/gemm/bf16.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/gemm/bf16-inl.h"
#include "backends/cpu/kernels/simd/partial-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

#if SLIPWAY_CPU_HAS_BF16
HWY_INLINE void ConvertRow(const float* HWY_RESTRICT from, int64_t count, float* HWY_RESTRICT pairs) {
  const DF d;
  int64_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes)
    hn::StoreU(Pairs(hn::LoadU(d, from + i), hn::LoadU(d, from + i + kLanes)), d, pairs + i / 2);
  if (i == count) return;
  const int64_t rest = count - i;
  const VF low = LoadFirst(d, from + i, static_cast<size_t>(std::min(rest, kLanes)));
  const VF high =
      rest <= kLanes ? hn::Zero(d) : LoadFirst(d, from + i + kLanes, static_cast<size_t>(rest - kLanes));
  StoreFirst(Pairs(low, high), d, pairs + i / 2, static_cast<size_t>(PairsOf(rest)));
}
#else
void ConvertRow(const float*, int64_t, float*) { HWY_ABORT("bf16 on a machine without it"); }
#endif

#if SLIPWAY_CPU_HAS_BF16 && HWY_ARCH_X86
constexpr bool kHasRgb = true;
// Pixels of three channels, side by side: each gets a fourth that is 0.
HWY_INLINE void ConvertRgb(const float* HWY_RESTRICT from, int64_t pixels, float* HWY_RESTRICT pairs) {
  const DF d;
  // Of 12 loaded elements, the others 0.
  alignas(64) static constexpr int32_t kFourEach[] = {0, 1, 2, 12, 3, 4, 5, 12, 6, 7, 8, 12, 9, 10, 11, 12};
  const auto four_each = hn::SetTableIndices(d, kFourEach);
  const auto load = [&](int64_t pixel) HWY_ATTR {
    const auto count = static_cast<size_t>(3 * std::clamp<int64_t>(pixels - pixel, 0, 4));
    return hn::TableLookupLanes(LoadFirst(d, from + 3 * std::min(pixel, pixels), count), four_each);
  };
  for (int64_t i = 0; i < pixels; i += 8) {
    const auto count = static_cast<size_t>(2 * std::min<int64_t>(8, pixels - i));
    StoreFirst(Pairs(load(i), load(i + 4)), d, pairs + 2 * i, count);
  }
}
#else
constexpr bool kHasRgb = false;  // a table of four lanes holds no more than a pixel
void ConvertRgb(const float*, int64_t, float*) {}
#endif

}  // namespace

void ConvertRows(const float* from, int64_t step, int64_t rows, int64_t count, float* pairs) {
  if (kHasRgb && count == 3 && step == 3) return ConvertRgb(from, rows, pairs);
  for (int64_t row = 0; row < rows; ++row, from += step, pairs += PairsOf(count))
    ConvertRow(from, count, pairs);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <bit>
#include <cstring>

#include "base/scalar.h"

namespace slipway::cpu {
namespace {
HWY_EXPORT(ConvertRows);
}  // namespace

std::optional<std::string> WhyNoBf16() {
#if defined(__x86_64__) && defined(HWY_AVX3_DL) && !defined(HWY_COMPILE_ONLY_SCALAR)
  __builtin_cpu_init();
  if ((SupportedTargets() & HWY_AVX3_DL) != 0 && __builtin_cpu_supports("avx512bf16")) return std::nullopt;
#endif
  if (FindArmExtensions().bf16) return std::nullopt;
  return "this processor has no bf16 arithmetic (AVX512-BF16, on ARM BF16)";
}

void ConvertRowsToPairs(ConstElements from, int64_t step, int64_t rows, int64_t count, float* pairs) {
  if (!from.is_bf16()) return HWY_DYNAMIC_DISPATCH(ConvertRows)(from.floats(), step, rows, count, pairs);
  const uint16_t* row = from.bf16();
  for (int64_t i = 0; i < rows; ++i, row += step, pairs += PairsOf(count)) {
    pairs[PairsOf(count) - 1] = 0;  // an odd last one has no partner
    std::memcpy(pairs, row, static_cast<size_t>(count) * sizeof(uint16_t));
  }
}

void PackPanelsBf16(const float* b, int64_t columns, int64_t taps, int64_t depth, int64_t stride_n,
                    int64_t stride_tap, int64_t stride_c, float* packed) {
  const auto at = [&](int64_t n, int64_t tap, int64_t c) {
    if (n >= columns || c >= depth) return uint32_t{0};
    return uint32_t{FloatToBFloat16(b[n * stride_n + tap * stride_tap + c * stride_c])};
  };
  for (int64_t first = 0; first < columns; first += kPanel) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t c = 0; c < depth; c += 2) {
        for (int64_t n = first; n < first + kPanel; ++n)
          *packed++ = std::bit_cast<float>(at(n, tap, c) | at(n, tap, c + 1) << 16);
      }
    }
  }
}

}  // namespace slipway::cpu
#endif
