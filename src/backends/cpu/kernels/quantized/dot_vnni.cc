// The dot product on AVX-512 VNNI: a tile of up to 12 rows and 32 channels in registers.
//
// A file of its own: Highway 1.0.3 compiles no target with VNNI.
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "backends/cpu/kernels/quantized/dot.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SLIPWAY_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

namespace slipway::cpu {
namespace {

template <int kRows, int kPanels>
SLIPWAY_VNNI void Tile(const DotCall& call) {
  __m512i acc[kRows][kPanels];
#pragma GCC unroll 16
  for (int p = 0; p < kPanels; ++p) {
    const __m512i bias = _mm512_loadu_si512(call.bias + p * 16);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) acc[i][p] = bias;
  }
  // A pointer for every three rows: the addressing of x86 reaches the others from it.
  const uint8_t* at[(kRows + 2) / 3];
  const int64_t step = call.row_step;
#pragma GCC unroll 16
  for (int i = 0; i < (kRows + 2) / 3; ++i) at[i] = call.rows + 3 * i * step;
  const WeightLine* w = call.weights;
  const WeightLine* const end = w + call.groups;
  const int64_t panel_step = call.groups;
  for (; w != end; ++w) {
    __m512i weight[kPanels];
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) weight[p] = _mm512_load_si512(w + p * panel_step);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      int32_t four;
      std::memcpy(&four, at[i / 3] + (i % 3) * step, 4);
      const __m512i row = _mm512_set1_epi32(four);
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p) acc[i][p] = _mm512_dpbusd_epi32(acc[i][p], row, weight[p]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < (kRows + 2) / 3; ++i) at[i] += 4;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) _mm512_storeu_si512(call.acc + (i * kPanels + p) * 16, acc[i][p]);
  }
}

using TileFn = void (*)(const DotCall&);
template <int kPanels, size_t... kIndex>
constexpr std::array<TileFn, kDotRows> Tiles(std::index_sequence<kIndex...>) {
  return {Tile<static_cast<int>(kIndex) + 1, kPanels>...};
}

}  // namespace

void DotVnni(const DotCall& call, int64_t rows, int64_t panels) {
  using Rows = std::make_index_sequence<kDotRows>;
  static constexpr auto kOne = Tiles<1>(Rows());
  static constexpr auto kTwo = Tiles<2>(Rows());
  (panels == 2 ? kTwo : kOne)[static_cast<size_t>(rows - 1)](call);
}

}  // namespace slipway::cpu

#else

namespace slipway::cpu {

void DotVnni(const DotCall&, int64_t, int64_t) { std::abort(); }  // never chosen: see BestDotForm

}  // namespace slipway::cpu

#endif
