// 3x3 f32 convolutions, channels last, with fewer multiplications than they are defined by.
//
// Idea: the image is cut into tiles of `out` x `out` output pixels. A tile's input (`in` x `in` pixels, which
// overlap the neighbours') and the weights are transformed so that the convolution becomes `in` x `in`
// products per pair of channels, summed over the input channels: as many matrix products as there are
// positions in a tile, of [tiles, in_c] by [in_c, out_c]. The sums are transformed back. Sources: Winograd
// 1980; Lavin and Gray 2016 (arXiv 1509.09308). Stride 2: the image is split in even and odd rows and
// columns; the even ones meet the taps 0 and 2 as F(4,2), the odd ones tap 1 as it is (polyphase).
//
//   form          stride  in  out  products per output  of a direct convolution
//   kF4x4            1     6   4        2.25                   1/4
//   kF6x6            1     8   6        1.78                   1/5.06
//   kF4x4Stride2     2     9   4        5.06                   1/1.78
//   kF4x4Bf16: kF4x4 whose transformed inputs and weights are rounded to bf16 (gemm/bf16.h)
//
// The transforms subtract numbers of one size, so that sums lose bits: RelativeErrorOf.
#pragma once

#include <cstdint>

#include "backends/cpu/kernels/conv/conv_f32.h"
#include "backends/cpu/kernels/gemm/bf16.h"
#include "base/round_up.h"
#include "base/thread_pool.h"

namespace slipway::cpu {

enum class WinogradForm { kF4x4, kF6x6, kF4x4Stride2, kF4x4Bf16 };

// How weights are kept.
enum class WinogradWeights {
  kTransformed,  // [group][matrix][panel][DepthOf in_c][16]: 4 to 7 times as large as they come
  // [panel][DepthOf in_c][tap][16]: transformed at every run, a group and a row of positions at a time, into
  // scratch that stays in the second-level cache. What comes from memory is a quarter to a seventh. bf16: the
  // taps are rounded, and once more when they are transformed.
  kTaps,
};

constexpr bool IsBf16(WinogradForm form) { return form == WinogradForm::kF4x4Bf16; }
// Elements that stand for `channels` channels in transformed inputs and weights: pairs in bf16.
constexpr int64_t DepthOf(WinogradForm form, int64_t channels) {
  return IsBf16(form) ? PairsOf(channels) : channels;
}

struct WinogradSize {
  int64_t stride;    // of the convolution
  int64_t in;        // rows and columns of an input tile
  int64_t out;       // of an output tile
  int64_t matrices;  // weights of different values; positions() of them but for stride 2, where some repeat

  int64_t positions() const { return in * in; }
  // Rows and columns of matrices; stride 2: the last one is that of all odd rows (columns) of a tile.
  int64_t side() const { return matrices == 64 ? 8 : 6; }
  int64_t advance() const { return out * stride; }  // input pixels from tile to tile
};
WinogradSize SizeOf(WinogradForm form);

// The largest error to expect, of the largest output, on data of one spread; tested.
double RelativeErrorOf(WinogradForm form);

struct WinogradF32 {
  WinogradForm form = WinogradForm::kF4x4;
  ConvGeometry geometry;           // 3x3, dilation 1, the form's stride; any padding
  const float* x = nullptr;        // [batch,in_h,in_w], in_step apart
  const float* weights = nullptr;  // as the plan's `weights` has them
  const float* zeros = nullptr;    // in_c zeros
  float* y = nullptr;              // [batch,out_h,out_w], geometry.out_step apart
  Epilogue epilogue;               // its residual: at the first pixel's first channel
};

// Panels whose weights lie side by side for all matrices, so that a group's are read from end to end.
inline constexpr int64_t kWinogradGroup = 2;

// Floats of the packed weights.
int64_t WinogradWeightFloats(WinogradForm form, WinogradWeights weights, int64_t out_c, int64_t in_c);

// How they are better kept: transformed where they are small.
WinogradWeights WeightsFor(WinogradForm form, int64_t out_c, int64_t in_c);

// Packs w[o * stride_o + tap * stride_tap + c * stride_c] as `weights` says, transformed in double or as it
// is, the last panel and the last pair filled up with 0.
void PackWinograd(WinogradForm form, WinogradWeights weights, const float* w, int64_t out_c, int64_t in_c,
                  int64_t stride_o, int64_t stride_tap, int64_t stride_c, float* packed);

// How a convolution is cut: so that the transformed input and the sums of a block stay in the second-level
// cache.
struct WinogradPlan {
  WinogradWeights weights = WinogradWeights::kTransformed;
  int64_t tiles = 0;         // of all images
  int64_t block_tiles = 0;   // whose inputs are transformed at once
  int64_t group_panels = 0;  // whose sums are kept at once
  // All threads work on one block, each on groups of its own; else each on blocks of its own. For few tiles.
  bool is_shared = false;
  // Steps in floats: between rows (tiles) and positions of transformed inputs and of sums.
  int64_t in_row = 0, in_position = 0, sum_row = 0, sum_position = 0;

  int64_t blocks() const { return DivideUp(tiles, block_tiles); }
  int64_t in_floats = 0;      // transformed inputs of a block
  int64_t sum_floats = 0;     // sums of a group
  int64_t weight_floats = 0;  // kTaps: a group's transformed weights of a row of positions
  // Scratch for so many threads.
  int64_t ScratchFloats(int64_t threads) const {
    return (is_shared ? 1 : threads) * in_floats + threads * (sum_floats + weight_floats);
  }
};
WinogradPlan PlanWinograd(WinogradForm form, WinogradWeights weights, const ConvGeometry& geometry,
                          int64_t threads);

// y = the convolution. scratch: plan.ScratchFloats(threads) floats, aligned to 64 bytes; at most `threads`
// threads of the pool work.
void RunWinograd(const WinogradF32& conv, const WinogradPlan& plan, float* scratch, int64_t threads,
                 ThreadPool& pool);

// Rows of a register tile of the products: blocks of multiples of it waste nothing.
int64_t WinogradRows();

// The stages of a run; each may be cut anywhere and run in parallel.
//
// inputs: tiles [begin, end), channels [channel_begin, channel_end), the former a multiple of 16, are
// transformed to to[position * in_position + (tile - begin) * in_row + channel]; bf16: at the channel's pair.
void TransformInputs(const WinogradF32& conv, const WinogradPlan& plan, int64_t begin, int64_t end,
                     int64_t channel_begin, int64_t channel_end, float* to);
// weights: row `row` of the tile's matrices, of a group that begins with panel `panel_begin`, from taps to
// to[matrix][panel][DepthOf in_c][16].
void TransformWeights(const WinogradF32& conv, int64_t row, int64_t panel_begin, int64_t panel_end,
                      float* to);
// sums[position * sum_position + row * sum_row + column] of the columns of panels [panel_begin, panel_end),
// a group, for row `tile_row` of the positions. weights: [matrix of that row][panel][DepthOf in_c][16]
void MultiplyPositions(const WinogradF32& conv, const WinogradPlan& plan, const float* inputs, int64_t rows,
                       int64_t tile_row, const float* weights, int64_t panel_begin, int64_t panel_end,
                       float* sums);
// y of tiles [begin, end) and those panels.
void TransformSums(const WinogradF32& conv, const WinogradPlan& plan, const float* sums, int64_t begin,
                   int64_t end, int64_t panel_begin, int64_t panel_end);

}  // namespace slipway::cpu
