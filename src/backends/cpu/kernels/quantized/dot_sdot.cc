// The dot product of ARMv8.2 (SDOT): a tile of up to 6 rows and 16 channels in registers.
//
// A file of its own: Highway 1.0.3 compiles no target with it.
#include "backends/cpu/kernels/quantized/dot.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#if defined(__aarch64__)
#include <arm_neon.h>

#define SLIPWAY_SDOT __attribute__((target("arch=armv8.2-a+dotprod")))

namespace slipway::cpu {
namespace {

constexpr int kVectors = 4;   // of 4 channels, in a panel
constexpr int kTileRows = 6;  // 24 accumulators, 4 weights and some rows fit 32 registers

// A panel: what of DotCall it concerns.
struct Panel {
  const int8_t* rows;
  int64_t row_step;
  int64_t groups;
  const WeightLine* weights;
  const int32_t* bias;
  int32_t* acc;
  int64_t acc_step;
};

// sums += lane kLane of every row, which is a group of four, times a line of weights.
template <int kLane, int kRows>
SLIPWAY_SDOT inline void Multiply(const WeightLine& line, const int8x16_t (&rows)[kRows],
                                  int32x4_t (&sums)[kRows][kVectors]) {
  const auto* bytes = reinterpret_cast<const int8_t*>(line.bytes);
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    const int8x16_t weight = vld1q_s8(bytes + v * 16);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) sums[i][v] = vdotq_laneq_s32(sums[i][v], weight, rows[i], kLane);
  }
}

template <int kRows>
SLIPWAY_SDOT void Tile(const Panel& panel) {
  int32x4_t sums[kRows][kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    const int32x4_t bias = vld1q_s32(panel.bias + v * 4);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) sums[i][v] = bias;
  }
  int8x16_t rows[kRows];
  const WeightLine* line = panel.weights;
  int64_t g = 0;
  for (; g + 4 <= panel.groups; g += 4, line += 4) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) rows[i] = vld1q_s8(panel.rows + i * panel.row_step + g * 4);
    Multiply<0, kRows>(line[0], rows, sums);
    Multiply<1, kRows>(line[1], rows, sums);
    Multiply<2, kRows>(line[2], rows, sums);
    Multiply<3, kRows>(line[3], rows, sums);
  }
  for (; g < panel.groups; ++g, ++line) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      int32_t four;
      std::memcpy(&four, panel.rows + i * panel.row_step + g * 4, 4);
      rows[i] = vreinterpretq_s8_s32(vdupq_n_s32(four));
    }
    Multiply<0, kRows>(*line, rows, sums);
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) vst1q_s32(panel.acc + i * panel.acc_step + v * 4, sums[i][v]);
  }
}

using TileFn = void (*)(const Panel&);
template <size_t... kIndex>
constexpr std::array<TileFn, kTileRows> Tiles(std::index_sequence<kIndex...>) {
  return {Tile<static_cast<int>(kIndex) + 1>...};
}

}  // namespace

void DotSdot(const DotCall& call, int64_t rows, int64_t panels) {
  static constexpr auto kTiles = Tiles(std::make_index_sequence<kTileRows>());
  for (int64_t p = 0; p < panels; ++p) {
    Panel panel{reinterpret_cast<const int8_t*>(call.rows),
                call.row_step,
                call.groups,
                call.weights + p * call.groups,
                call.bias + p * 16,
                call.acc + p * 16,
                panels * 16};
    for (int64_t left = rows; left > 0;) {
      const int64_t done = std::min<int64_t>(left, kTileRows);
      kTiles[static_cast<size_t>(done - 1)](panel);
      panel.rows += done * panel.row_step;
      panel.acc += done * panel.acc_step;
      left -= done;
    }
  }
}

}  // namespace slipway::cpu

#else

namespace slipway::cpu {

void DotSdot(const DotCall&, int64_t, int64_t) { std::abort(); }  // never chosen: see BestDotForm

}  // namespace slipway::cpu

#endif
