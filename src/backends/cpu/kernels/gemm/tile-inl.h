// The register tile of gemm_f32.h. Included once per Highway target.
#if defined(SLIPWAY_CPU_GEMM_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_GEMM_TILE_INL_H_
#undef SLIPWAY_CPU_GEMM_TILE_INL_H_
#else
#define SLIPWAY_CPU_GEMM_TILE_INL_H_
#endif

#include <algorithm>
#include <utility>

#include "backends/cpu/kernels/gemm/bf16-inl.h"
#include "backends/cpu/kernels/gemm/epilogue-inl.h"
#include "backends/cpu/kernels/simd/math-inl.h"
#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kTileVectors = static_cast<int>(kPanel) / kLanes;  // per panel
// Accumulators, a weight per vector and one broadcast must fit the registers: 32 of AVX-512 and NEON,
// else 16.
constexpr int kTileRows = kLanes == 16 ? 12 : kLanes == 8 ? 6 : HWY_ARCH_ARM_A64 ? 6 : 2;
constexpr int kTilePanels = kLanes == 16 ? 2 : 1;

// What a tile does with an element of A and of B: sum + value * weight.
struct MultiplyF32 {
  static HWY_INLINE VF Add(VF value, VF weight, VF sum) { return hn::MulAdd(value, weight, sum); }
};
#if SLIPWAY_CPU_HAS_BF16
struct MultiplyBf16 {  // elements are pairs
  static HWY_INLINE VF Add(VF value, VF weight, VF sum) { return MultiplyPairs(value, weight, sum); }
};
#endif

template <int kRows, int kPanels>
using TileSums = VF[kRows][kPanels * kTileVectors];

// Into the second-level cache.
HWY_INLINE void FetchAhead(const float* from) {
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
  __builtin_prefetch(from, 0, 2);
#endif
}

// sums += rows at a, a + step, ... times `count` rows of 16 at b; a second panel lies `panel_step` behind.
// What lies `ahead` behind the panels is fetched: the next ones.
//
// Three rows share a pointer: with an index register for the step that is all the addressing there is, and
// twelve rows leave registers to spare.
template <class Multiply, int kRows, int kPanels>
HWY_INLINE void MultiplyTile(const float* HWY_RESTRICT a, int64_t step, int64_t count,
                             const float* HWY_RESTRICT b, int64_t panel_step, int64_t ahead,
                             TileSums<kRows, kPanels>& sums) {
  const DF d;
  constexpr int kGroups = (kRows + 2) / 3;
  const float* group[kGroups];
#pragma GCC unroll 16
  for (int g = 0; g < kGroups; ++g) group[g] = a + 3 * g * step;
  for (int64_t k = 0; k < count; ++k, b += kPanel) {
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) FetchAhead(b + p * panel_step + ahead);
    VF weight[kPanels * kTileVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kPanels * kTileVectors; ++v) {
      weight[v] = hn::LoadU(d, b + (v / kTileVectors) * panel_step + (v % kTileVectors) * kLanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const VF value = hn::Set(d, group[i / 3][(i % 3) * step]);
#pragma GCC unroll 16
      for (int v = 0; v < kPanels * kTileVectors; ++v)
        sums[i][v] = Multiply::Add(value, weight[v], sums[i][v]);
    }
#pragma GCC unroll 16
    for (int g = 0; g < kGroups; ++g) ++group[g];
  }
}

// Where a tile lies in C.
struct TilePlace {
  int64_t row = 0;
  int64_t column = 0;
  int64_t columns = 0;  // valid ones
};

// Row by row from memory, for what is too long to be unrolled over registers and for cut panels.
template <int kPanels>
HWY_NOINLINE void StoreRows(const GemmF32& gemm, const TilePlace& at, int64_t rows,
                            const float* HWY_RESTRICT sums) {
  const DF d;
  const Epilogue& epilogue = gemm.epilogue;
  WithActivation(d, epilogue.activation, [&](auto f) HWY_ATTR {
    for (int64_t i = 0; i < rows; ++i, sums += kPanels * kPanel) {
      float* c = gemm.c + (at.row + i) * gemm.c_step + at.column;
      const float* residual = epilogue.residual == nullptr
                                  ? nullptr
                                  : epilogue.residual + (at.row + i) * epilogue.residual_step + at.column;
      for (int64_t j = 0; j < at.columns; j += kLanes) {
        const auto count = static_cast<size_t>(std::min<int64_t>(kLanes, at.columns - j));
        const float* added = residual == nullptr ? nullptr : residual + j;
        const VF y = WithResidual(epilogue, f, hn::Load(d, sums + j), added, count);
        StoreFirst(y, d, c + j, count);
      }
    }
  });
}

template <int kRows, int kPanels>
HWY_INLINE void StoreTile(const GemmF32& gemm, const TilePlace& at, const TileSums<kRows, kPanels>& sums) {
  const DF d;
  const Epilogue& epilogue = gemm.epilogue;
  const bool is_short = epilogue.activation.kind == ActivationKind::kClamp &&
                        (epilogue.residual == nullptr || !epilogue.is_residual_last);
  if (!is_short || at.columns != kPanels * kPanel) {
    HWY_ALIGN float buffer[kRows * kPanels * kPanel];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
      for (int v = 0; v < kPanels * kTileVectors; ++v)
        hn::Store(sums[i][v], d, buffer + i * kPanels * kPanel + v * kLanes);
    }
    return StoreRows<kPanels>(gemm, at, kRows, buffer);
  }
  float* c = gemm.c + at.row * gemm.c_step + at.column;
  const VF low = hn::Set(d, epilogue.activation.low);
  const VF high = hn::Set(d, epilogue.activation.high);
  if (epilogue.residual == nullptr) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
      for (int v = 0; v < kPanels * kTileVectors; ++v)
        hn::StoreU(ClampTo(low, high, sums[i][v], d), d, c + i * gemm.c_step + v * kLanes);
    }
    return;
  }
  const float* r = epilogue.residual + at.row * epilogue.residual_step + at.column;
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kPanels * kTileVectors; ++v) {
      const VF y = hn::Add(sums[i][v], hn::LoadU(d, r + i * epilogue.residual_step + v * kLanes));
      hn::StoreU(ClampTo(low, high, y, d), d, c + i * gemm.c_step + v * kLanes);
    }
  }
}

// kRows rows from `row` on by kPanels panels from `panel` on.
template <class Multiply, int kRows, int kPanels>
HWY_NOINLINE void RunTile(const GemmF32& gemm, int64_t row, int64_t panel, int64_t ahead) {
  const DF d;
  const int64_t panel_step = gemm.depth() * kPanel;
  const float* b = gemm.b + panel * panel_step;
  TileSums<kRows, kPanels> sums;
#pragma GCC unroll 16
  for (int v = 0; v < kPanels * kTileVectors; ++v) {
    const VF bias = gemm.epilogue.bias == nullptr
                        ? hn::Zero(d)
                        : hn::LoadU(d, gemm.epilogue.bias + panel * kPanel + v * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) sums[i][v] = bias;
  }
  for (int64_t r = 0; r < gemm.num_runs; ++r, b += gemm.run_length * kPanel) {
    const float* a = gemm.a[r] + gemm.a_offset + row * gemm.a_step;
    MultiplyTile<Multiply, kRows, kPanels>(a, gemm.a_step, gemm.run_length, b, panel_step, ahead, sums);
  }
  const int64_t column = panel * kPanel;
  StoreTile<kRows, kPanels>(gemm, {row, column, std::min<int64_t>(kPanels * kPanel, gemm.columns - column)},
                            sums);
}

using TileFn = void (*)(const GemmF32&, int64_t row, int64_t panel, int64_t ahead);

template <class Multiply, int kPanels, int... kIndices>
constexpr auto TileTable(std::integer_sequence<int, kIndices...>) {
  struct Table {
    TileFn of_rows[kTileRows + 1];
  };
  return Table{{nullptr, &RunTile<Multiply, kIndices + 1, kPanels>...}};
}

// All rows for one or two panels: tiles of equal height, one row apart at most, since a tile of one row costs
// as much as one of three.
template <class Multiply, int kPanels>
HWY_INLINE void RunTileRows(const GemmF32& gemm, int64_t rows, int64_t panel) {
  static constexpr auto kTable = TileTable<Multiply, kPanels>(std::make_integer_sequence<int, kTileRows>());
  const int64_t tiles = DivideUp(rows, kTileRows);
  for (int64_t t = 0, row = 0; t < tiles; ++t) {
    const int64_t end = rows * (t + 1) / tiles;
    // The last tile fetches the next panels: a stream too short for the machine to see it coming.
    const int64_t ahead = t + 1 == tiles ? kPanels * gemm.depth() * kPanel : 0;
    kTable.of_rows[end - row](gemm, row, panel, ahead);
    row = end;
  }
}

// RunGemmF32 of this target, for kernels that are compiled per target themselves.
template <class Multiply = MultiplyF32>
HWY_INLINE void RunGemmTiles(const GemmF32& gemm, int64_t rows, int64_t panel_begin, int64_t panel_end) {
  int64_t panel = panel_begin;
  for (; panel + kTilePanels <= panel_end; panel += kTilePanels)
    RunTileRows<Multiply, kTilePanels>(gemm, rows, panel);
  for (; panel < panel_end; ++panel) RunTileRows<Multiply, 1>(gemm, rows, panel);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_GEMM_TILE_INL_H_
