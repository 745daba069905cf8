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
#include "backends/cpu/kernels/gemm/f16-inl.h"
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
  static constexpr bool kIsBf16 = false;
  static HWY_INLINE VF Add(VF value, VF weight, VF sum) { return hn::MulAdd(value, weight, sum); }
};
#if SLIPWAY_CPU_HAS_BF16
struct MultiplyBf16 {  // elements are pairs
  static constexpr bool kIsBf16 = true;
  static HWY_INLINE VF Add(VF value, VF weight, VF sum) { return MultiplyPairs(value, weight, sum); }
};
#endif

#if SLIPWAY_CPU_HAS_F16
struct MultiplyF16 {  // elements are pairs
  static constexpr bool kIsBf16 = false;
  static HWY_INLINE VF Add(VF value, VF weight, VF sum) { return MultiplyF16Pairs(value, weight, sum); }
};
#endif

// Whether a tile's second panel has 8 columns at most: of two rows at a time, they share a vector.
enum class Second { kWhole, kHalf };

#if HWY_TARGET == HWY_SCALAR  // whose vectors have no halves
HWY_INLINE VF LowerTwice(VF x) { return x; }
HWY_INLINE VF UpperTwice(VF x) { return x; }
#else
HWY_INLINE VF LowerTwice(VF x) { return hn::ConcatLowerLower(DF(), x, x); }
HWY_INLINE VF UpperTwice(VF x) { return hn::ConcatUpperUpper(DF(), x, x); }
#endif

// With Second::kHalf, while products are added up: [row][1] of an even row holds the next one's, too.
template <int kRows, int kPanels>
using TileSums = VF[kRows][kPanels * kTileVectors];

// What comes into the second-level cache while tiles run: the next panels, a stream too short for the machine
// to see it coming. The last tiles of a column share it, since memory takes longer to give it than one tile
// runs.
struct Ahead {
  static constexpr int64_t kTiles = 12;

  // `panels` panels, spread over the last of `tiles` tiles.
  Ahead(const float* from, int64_t panels, int64_t tiles)
      : at(reinterpret_cast<const uint8_t*>(from)),
        step(DivideUp(panels * kPanel * static_cast<int64_t>(sizeof(float)), std::min(tiles, kTiles))),
        idle_tiles(tiles - std::min(tiles, kTiles)) {}

  const uint8_t* at;
  int64_t step;  // bytes for each row of a tile's panels
  int64_t idle_tiles;
};

HWY_INLINE void FetchAhead(const uint8_t* from) {
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
  __builtin_prefetch(from, 0, 2);
#endif
}

// sums += rows at a, a + step, ... times `count` rows of 16 at b; a second panel lies `panel_step` behind.
// `ahead` is fetched, and goes on by `ahead_step` bytes, with each row of b.
//
// Three rows share a pointer: with an index register for the step that is all the addressing there is, and
// twelve rows leave registers to spare.
template <class Multiply, int kRows, int kPanels, Second kSecond>
HWY_INLINE void MultiplyTile(const float* HWY_RESTRICT a, int64_t step, int64_t count,
                             const float* HWY_RESTRICT b, int64_t panel_step, const uint8_t*& ahead,
                             int64_t ahead_step, TileSums<kRows, kPanels>& sums) {
  const DF d;
  constexpr int kGroups = (kRows + 2) / 3;
  const float* group[kGroups];
#pragma GCC unroll 16
  for (int g = 0; g < kGroups; ++g) group[g] = a + 3 * g * step;
  for (const float* const end = b + count * kPanel; b != end; b += kPanel) {
    FetchAhead(ahead);
    ahead += ahead_step;
    VF weight[kPanels * kTileVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kPanels * kTileVectors; ++v) {
      weight[v] = hn::LoadU(d, b + (v / kTileVectors) * panel_step + (v % kTileVectors) * kLanes);
    }
    if constexpr (kSecond == Second::kHalf) {
      weight[1] = LowerTwice(weight[1]);
      const auto is_first = hn::FirstN(d, kPanel / 2);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i += 2) {
        const VF value = hn::Set(d, group[i / 3][(i % 3) * step]);
        const VF next = hn::Set(d, group[(i + 1) / 3][((i + 1) % 3) * step]);
        sums[i][0] = Multiply::Add(value, weight[0], sums[i][0]);
        sums[i + 1][0] = Multiply::Add(next, weight[0], sums[i + 1][0]);
        sums[i][1] = Multiply::Add(hn::IfThenElse(is_first, value, next), weight[1], sums[i][1]);
      }
    } else {
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const VF value = hn::Set(d, group[i / 3][(i % 3) * step]);
#pragma GCC unroll 16
        for (int v = 0; v < kPanels * kTileVectors; ++v)
          sums[i][v] = Multiply::Add(value, weight[v], sums[i][v]);
      }
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

// Row by row from memory, for what is too long to be unrolled over registers. Rows of sums are `step` apart.
inline HWY_NOINLINE void StoreRows(const GemmF32& gemm, const TilePlace& at, int64_t rows, int64_t step,
                                   const float* HWY_RESTRICT sums) {
  const DF d;
  const Epilogue& epilogue = gemm.epilogue;
  WithActivation(d, epilogue.activation, [&](auto f) HWY_ATTR {
    for (int64_t i = 0; i < rows; ++i, sums += step) {
      const Elements c = gemm.c + ((at.row + i) * gemm.c_step + at.column);
      const ConstElements residual =
          epilogue.residual == nullptr
              ? nullptr
              : epilogue.residual + ((at.row + i) * epilogue.residual_step + at.column);
      for (int64_t j = 0; j < at.columns; j += kLanes) {
        const auto count = static_cast<size_t>(std::min<int64_t>(kLanes, at.columns - j));
        const ConstElements added = residual == nullptr ? residual : residual + j;
        const VF y = WithResidual(epilogue, f, hn::Load(d, sums + j), added, count);
        StoreElements(y, c + j, count);
      }
    }
  });
}

// Of the tile's vectors, lanes that C has: all, known when compiled, or so many columns in all.
struct WholeTile {
  HWY_INLINE VF Load(const float* from, int) const { return hn::LoadU(DF(), from); }
  HWY_INLINE void Store(VF x, float* to, int) const { hn::StoreU(x, DF(), to); }
};
struct CutTile {
  int64_t columns;
  HWY_INLINE size_t CountIn(int v) const {
    return static_cast<size_t>(std::clamp<int64_t>(columns - v * kLanes, 0, kLanes));
  }
  HWY_INLINE VF Load(const float* from, int v) const { return LoadFirst(DF(), from, CountIn(v)); }
  HWY_INLINE void Store(VF x, float* to, int v) const { StoreFirst(x, DF(), to, CountIn(v)); }
};

// f(row, vector): for all of a tile's.
template <int kRows, int kPanels, class F>
HWY_INLINE void ForTile(const F& f) {
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kPanels * kTileVectors; ++v) f(i, v);
  }
}

template <int kRows, int kPanels, class Lanes>
HWY_INLINE void StoreClamped(const GemmF32& gemm, const TilePlace& at, Lanes lanes,
                             const TileSums<kRows, kPanels>& sums) {
  const DF d;
  const Epilogue& epilogue = gemm.epilogue;
  float* c = gemm.c.floats() + at.row * gemm.c_step + at.column;
  const VF low = hn::Set(d, epilogue.activation.low);
  const VF high = hn::Set(d, epilogue.activation.high);
  if (epilogue.residual == nullptr) {
    return ForTile<kRows, kPanels>([&](int i, int v) HWY_ATTR {
      lanes.Store(ClampTo(low, high, sums[i][v], d), c + i * gemm.c_step + v * kLanes, v);
    });
  }
  const float* r = epilogue.residual.floats() + at.row * epilogue.residual_step + at.column;
  ForTile<kRows, kPanels>([&](int i, int v) HWY_ATTR {
    const VF y = hn::Add(sums[i][v], lanes.Load(r + i * epilogue.residual_step + v * kLanes, v));
    lanes.Store(ClampTo(low, high, y, d), c + i * gemm.c_step + v * kLanes, v);
  });
}

#if SLIPWAY_CPU_HAS_BF16
// The same into bf16, two panels of a vector each in one store. A residual is of bf16.
template <int kRows, int kPanels>
HWY_INLINE void StoreClampedBf16(const GemmF32& gemm, const TilePlace& at,
                                 const TileSums<kRows, kPanels>& sums) {
  const DF d;
  const D16 d16;
  const DPairs d_pairs;
  const Epilogue& epilogue = gemm.epilogue;
  uint16_t* c = gemm.c.bf16() + at.row * gemm.c_step + at.column;
  const VF low = hn::Set(d, epilogue.activation.low);
  const VF high = hn::Set(d, epilogue.activation.high);
  const auto columns = static_cast<size_t>(at.columns);
  const auto store = [&](const auto& with_residual) HWY_ATTR {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      uint16_t* to = c + i * gemm.c_step;
      const VF first = ClampTo(low, high, with_residual(i, 0), d);
      if constexpr (kPanels == 1) {
        StoreBf16(first, to, columns);
      } else {
        const VF pairs = Pairs(first, ClampTo(low, high, with_residual(i, 1), d));
        hn::BlendedStore(hn::BitCast(d_pairs, pairs), hn::FirstN(d_pairs, columns), d_pairs, to);
      }
    }
  };
  if (epilogue.residual == nullptr) return store([&](int i, int v) HWY_ATTR { return sums[i][v]; });
  const uint16_t* r = epilogue.residual.bf16() + at.row * epilogue.residual_step + at.column;
  const auto in_first = hn::FirstN(d16, columns);
  const auto in_second = hn::FirstN(d16, columns - std::min<size_t>(columns, kPanel));
  store([&](int i, int v) HWY_ATTR {
    const uint16_t* from = r + i * epilogue.residual_step + v * kPanel;
    return hn::Add(sums[i][v], FloatsOf(hn::MaskedLoad(v == 0 ? in_first : in_second, d16, from)));
  });
}
#endif

template <class Multiply, int kRows, int kPanels>
HWY_INLINE void StoreTile(const GemmF32& gemm, const TilePlace& at, const TileSums<kRows, kPanels>& sums) {
  const Epilogue& epilogue = gemm.epilogue;
  const bool is_short = epilogue.activation.kind == ActivationKind::kClamp &&
                        (epilogue.residual == nullptr || !epilogue.is_residual_last);
  // Nothing but products of bf16 meets bf16 in memory.
  const bool has_bf16 = Multiply::kIsBf16 && (gemm.c.is_bf16() || epilogue.residual.is_bf16());
  if (is_short && !has_bf16) {
    if (at.columns == kPanels * kPanel) return StoreClamped<kRows, kPanels>(gemm, at, WholeTile(), sums);
#if SLIPWAY_CPU_HAS_MASKS
    if constexpr (kLanes == 16) return StoreClamped<kRows, kPanels>(gemm, at, CutTile{at.columns}, sums);
#endif
  }
#if SLIPWAY_CPU_HAS_BF16
  if constexpr (Multiply::kIsBf16 && kTileVectors == 1) {
    const bool is_bf16_alone =
        gemm.c.is_bf16() && (epilogue.residual == nullptr || epilogue.residual.is_bf16());
    if (is_short && is_bf16_alone) return StoreClampedBf16<kRows, kPanels>(gemm, at, sums);
  }
#endif
  HWY_ALIGN float buffer[kRows * kPanels * kPanel];
  ForTile<kRows, kPanels>([&](int i, int v) HWY_ATTR {
    hn::Store(sums[i][v], DF(), buffer + i * kPanels * kPanel + v * kLanes);
  });
  StoreRows(gemm, at, kRows, kPanels * kPanel, buffer);
}

// `tiles` tiles of kRows rows, one below the other from `row` on, by kPanels panels from `panel` on.
template <class Multiply, int kRows, int kPanels, Second kSecond = Second::kWhole>
HWY_NOINLINE void RunTiles(const GemmF32& gemm, int64_t row, int64_t tiles, int64_t panel, Ahead& ahead) {
  const DF d;
  const int64_t panel_step = gemm.depth() * kPanel;
  const int64_t column = panel * kPanel;
  const int64_t columns = std::min<int64_t>(kPanels * kPanel, gemm.columns - column);
  for (; tiles > 0; --tiles, row += kRows) {
    // Read anew for each tile: registers are short.
    VF bias[kPanels * kTileVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kPanels * kTileVectors; ++v) {
      bias[v] = gemm.epilogue.bias == nullptr ? hn::Zero(d)
                                              : hn::LoadU(d, gemm.epilogue.bias + column + v * kLanes);
    }
    if constexpr (kSecond == Second::kHalf) bias[1] = LowerTwice(bias[1]);
    TileSums<kRows, kPanels> sums;
    ForTile<kRows, kPanels>([&](int i, int v) HWY_ATTR { sums[i][v] = bias[v]; });
    const float* b = gemm.b + panel * panel_step;
    const uint8_t* fetched = ahead.at;
    const int64_t fetch_step = ahead.idle_tiles-- > 0 ? 0 : ahead.step;
    for (int64_t r = 0; r < gemm.num_runs; ++r, b += gemm.run_length * kPanel) {
      const float* a = gemm.a[r] + gemm.a_offset + row * gemm.a_step;
      MultiplyTile<Multiply, kRows, kPanels, kSecond>(a, gemm.a_step, gemm.run_length, b, panel_step, fetched,
                                                      fetch_step, sums);
    }
    if constexpr (kSecond == Second::kHalf) {
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i += 2) sums[i + 1][1] = UpperTwice(sums[i][1]);
    }
    ahead.at = fetched;
    StoreTile<Multiply, kRows, kPanels>(gemm, {row, column, columns}, sums);
  }
}

using TilesFn = void (*)(const GemmF32&, int64_t row, int64_t tiles, int64_t panel, Ahead& ahead);

template <class Multiply, int kPanels, int... kIndices>
constexpr auto TileTable(std::integer_sequence<int, kIndices...>) {
  struct Table {
    TilesFn of_rows[kTileRows + 1];
  };
  return Table{{nullptr, &RunTiles<Multiply, kIndices + 1, kPanels>...}};
}

// All rows for one or two panels: tiles of equal height, one row apart at most, since a tile of one row costs
// as much as one of three.
template <class Multiply, int kPanels>
HWY_INLINE void RunTileRows(const GemmF32& gemm, int64_t rows, int64_t panel) {
  static constexpr auto kTable = TileTable<Multiply, kPanels>(std::make_integer_sequence<int, kTileRows>());
  if (rows <= 0) return;
  const int64_t tiles = DivideUp(rows, kTileRows);
  if constexpr (kPanels == 2 && kTileVectors == 1) {
    if (rows >= kTileRows && gemm.columns - (panel + 1) * kPanel <= kPanel / 2) {
      Ahead ahead(gemm.b, 0, tiles);  // there is no next panel
      const int64_t rest = rows % kTileRows;
      RunTiles<Multiply, kTileRows, 2, Second::kHalf>(gemm, 0, rows / kTileRows, panel, ahead);
      if (rest > 0) kTable.of_rows[rest](gemm, rows - rest, 1, panel, ahead);
      return;
    }
  }
  const int64_t height = rows / tiles;
  const int64_t higher = rows % tiles;  // so many are a row higher
  Ahead ahead(gemm.b + (panel + kPanels) * gemm.depth() * kPanel, kPanels, tiles);
  if (higher > 0) kTable.of_rows[height + 1](gemm, 0, higher, panel, ahead);
  kTable.of_rows[height](gemm, higher * (height + 1), tiles - higher, panel, ahead);
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
