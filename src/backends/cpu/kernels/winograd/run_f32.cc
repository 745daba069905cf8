// How a Winograd convolution is cut into blocks, and its run over the threads.
#include <algorithm>
#include <atomic>

#include "backends/cpu/kernels/winograd/winograd_f32.h"
#include "base/round_up.h"

namespace slipway::cpu {
namespace {

// Transformed inputs of a block: the second-level cache (1 MiB on current servers) also holds the sums of a
// group and the weights that pass by.
constexpr int64_t kBlockFloats = 128 * 1024;

// An odd number of cache lines from position to position spreads them over all sets of the caches.
int64_t PositionStep(int64_t rows, int64_t row) {
  const int64_t lines = rows * row / kPanel;
  return (lines + (lines % 2 == 0 ? 1 : 0)) * kPanel;
}

// Calls body(slot, i) for all i in [0, count), on at most `slots` threads, each slot on one of them.
template <class Body>
void ForEachOn(int64_t slots, int64_t count, ThreadPool& pool, const Body& body) {
  std::atomic<int64_t> next{0};
  pool.ParallelFor(std::min(slots, count), 1, [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; ++slot) {
      for (int64_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) body(slot, i);
    }
  });
}

struct Run {
  const WinogradF32& conv;
  const WinogradPlan& plan;
  int64_t panels;

  int64_t First(int64_t block) const { return block * plan.block_tiles; }
  int64_t Last(int64_t block) const { return std::min(First(block) + plan.block_tiles, plan.tiles); }

  // scratch: sums, then a row of transformed weights.
  void Group(int64_t block, int64_t group, const float* inputs, float* scratch) const {
    const int64_t begin = group * plan.group_panels;
    const int64_t end = std::min(begin + plan.group_panels, panels);
    float* sums = scratch;
    const WinogradSize size = SizeOf(conv.form);
    const int64_t depth = DepthOf(conv.form, conv.geometry.in_c);
    const float* transformed = conv.weights + begin * size.matrices * depth * kPanel;
    for (int64_t row = 0; row < size.in; ++row) {
      const int64_t matrix_row = std::min(row, size.side() - 1);
      const float* weights = transformed + matrix_row * size.side() * (end - begin) * depth * kPanel;
      if (plan.weights == WinogradWeights::kTaps) {
        float* to = scratch + plan.sum_floats;
        if (row == matrix_row) TransformWeights(conv, row, begin, end, to);
        weights = to;
      }
      MultiplyPositions(conv, plan, inputs, Last(block) - First(block), row, weights, begin, end, sums);
    }
    TransformSums(conv, plan, sums, First(block), Last(block), begin, end);
  }
};

// Blocks that stay in the second-level cache, or larger ones where that moves less: weights pass by once per
// block, and inputs that do not stay once per group of panels.
int64_t TilesOfBlock(WinogradForm form, const ConvGeometry& g, const WinogradPlan& plan) {
  const WinogradSize size = SizeOf(form);
  const int64_t rows = WinogradRows();
  const int64_t tile_floats = size.positions() * plan.in_row;
  const int64_t fitting = std::max<int64_t>(kBlockFloats / tile_floats / rows, 1) * rows;
  const int64_t weights = WinogradWeightFloats(form, WinogradWeights::kTransformed, g.out_c, g.in_c);
  const int64_t groups = DivideUp(PanelsOf(g.out_c), plan.group_panels);
  // Weights from memory are slow, and so is transforming them; those that stay themselves cost nothing.
  const bool is_taps = plan.weights == WinogradWeights::kTaps;
  const bool stays = !is_taps && weights <= kBlockFloats / 2;
  const int64_t far = is_taps || weights > 8 * kBlockFloats ? 3 : 1;
  int64_t best = fitting;
  int64_t least = stays ? 0 : DivideUp(plan.tiles, fitting) * weights * far;
  for (int64_t tiles = 2 * fitting; tiles < 2 * plan.tiles && least > 0; tiles *= 2) {
    // Inputs that do not stay are also written.
    const int64_t moved =
        DivideUp(plan.tiles, tiles) * weights * far + (3 * groups - 1) * plan.tiles * tile_floats;
    if (moved >= least) continue;
    least = moved;
    best = tiles;
  }
  return best;
}

}  // namespace

WinogradPlan PlanWinograd(WinogradForm form, WinogradWeights weights, const ConvGeometry& g,
                          int64_t threads) {
  const WinogradSize size = SizeOf(form);
  WinogradPlan plan;
  plan.weights = weights;
  plan.tiles = g.batch * DivideUp(g.out_h, size.out) * DivideUp(g.out_w, size.out);
  plan.in_row = RoundUp(DepthOf(form, RoundUp(g.in_c, kPanel)), kPanel);
  // Rows of a tile of the product must not all fall in few sets of the first-level cache.
  if (plan.in_row % 256 == 0) plan.in_row += kPanel;
  plan.group_panels = std::min(kWinogradGroup, PanelsOf(g.out_c));
  plan.is_shared = threads > 1 && plan.tiles < 2 * threads * WinogradRows();
  int64_t blocks = DivideUp(plan.tiles, TilesOfBlock(form, g, plan));
  if (!plan.is_shared) blocks = RoundUp(blocks, threads);
  plan.block_tiles = std::max<int64_t>(DivideUp(plan.tiles, blocks), 1);
  plan.sum_row = plan.group_panels * kPanel;
  plan.in_position = PositionStep(plan.block_tiles, plan.in_row);
  plan.sum_position = PositionStep(plan.block_tiles, plan.sum_row);
  plan.in_floats = size.positions() * plan.in_position;
  plan.sum_floats = size.positions() * plan.sum_position;
  if (weights == WinogradWeights::kTaps)
    plan.weight_floats = size.side() * (plan.group_panels * DepthOf(form, g.in_c) + 1) * kPanel;
  return plan;
}

WinogradWeights WeightsFor(WinogradForm form, int64_t out_c, int64_t in_c) {
  // Transformed weights of more than this take longer to come from memory, or hardly less, than to be made.
  constexpr int64_t kFarFloats = 320 * 1024;
  // Pairs take as long to be made as floats that are twice as many. So large they are worth the memory: a
  // UNet's take 80 MB less, a third of all it needs, and 3 % more of its time.
  constexpr int64_t kFarPairs = 3 * 1024 * 1024;
  const int64_t floats = WinogradWeightFloats(form, WinogradWeights::kTransformed, out_c, in_c);
  return floats > (IsBf16(form) ? kFarPairs : kFarFloats) ? WinogradWeights::kTaps
                                                          : WinogradWeights::kTransformed;
}

void RunWinograd(const WinogradF32& conv, const WinogradPlan& plan, float* scratch, int64_t threads,
                 ThreadPool& pool) {
  const int64_t channels = conv.geometry.in_c;
  const Run run{conv, plan, PanelsOf(conv.geometry.out_c)};
  const int64_t groups = DivideUp(run.panels, plan.group_panels);
  if (!plan.is_shared) {
    ForEachOn(threads, plan.blocks(), pool, [&](int64_t slot, int64_t block) {
      float* inputs = scratch + slot * (plan.in_floats + plan.sum_floats + plan.weight_floats);
      TransformInputs(conv, plan, run.First(block), run.Last(block), 0, channels, inputs);
      for (int64_t group = 0; group < groups; ++group)
        run.Group(block, group, inputs, inputs + plan.in_floats);
    });
    return;
  }
  // Channels of a tile that one thread transforms at once.
  constexpr int64_t kSlice = 64;
  const int64_t slices = DivideUp(channels, kSlice);
  for (int64_t block = 0; block < plan.blocks(); ++block) {
    const int64_t first = run.First(block);
    ForEachOn(threads, (run.Last(block) - first) * slices, pool, [&](int64_t, int64_t i) {
      const int64_t tile = i / slices, channel = i % slices * kSlice;
      TransformInputs(conv, plan, first + tile, first + tile + 1, channel,
                      std::min(channel + kSlice, channels), scratch + tile * plan.in_row);
    });
    ForEachOn(threads, groups, pool, [&](int64_t slot, int64_t group) {
      run.Group(block, group, scratch,
                scratch + plan.in_floats + slot * (plan.sum_floats + plan.weight_floats));
    });
  }
}

}  // namespace slipway::cpu
