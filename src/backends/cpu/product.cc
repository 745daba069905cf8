#include "backends/cpu/product.h"

#include <algorithm>

#include "backends/cpu/kernels/gemm/f16.h"
#include "base/round_up.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kStayBytes =
    512 * 1024;  // of rows that stay in the second-level cache while panels pass by

int64_t RowBytes(int64_t depth) { return std::max<int64_t>(1, depth * static_cast<int64_t>(sizeof(float))); }
// Few rows (a sequence, a small image): panels are dealt out, and each is read from memory once.
bool IsFlat(int64_t rows, int64_t depth) { return rows * RowBytes(depth) <= 4 * kStayBytes; }
// Rows that are multiplied together, of many.
int64_t BlockRows(int64_t depth) {
  const int64_t tile = GemmF32TileRows();
  return std::max<int64_t>(tile, kStayBytes / 2 / RowBytes(depth) / tile * tile);
}

// How a product is dealt out: parts of the panels x blocks of rows. A thread passes from block to block, so
// that it reads few panels.
struct ProductTasks {
  ProductTasks(int64_t rows, int64_t depth, int64_t panels, int64_t threads)
      : panels(panels), pairs(DivideUp(panels, 2)) {
    if (IsFlat(rows, depth)) {
      block = rows;
      if (SharesRows(rows, depth, panels, threads)) {
        // Weights pass by once for every block.
        const int64_t each = DivideUp(rows, threads);
        block = DivideUp(each, DivideUp(each * RowBytes(depth), kStayBytes));
      } else if (threads > 1) {
        parts = std::min(pairs, 4 * threads);
        // Five parts of two threads would be three and two.
        if (parts % threads != 0 && rows >= threads * GemmF32TileRows()) block = DivideUp(rows, threads);
      }
    } else {
      // As many for every thread.
      block = DivideUp(rows, RoundUp(DivideUp(rows, BlockRows(depth)), threads));
    }
    blocks = DivideUp(rows, block);
    count = blocks * parts;
    grain = GrainOf(block * DivideUp(panels, parts) * kPanel * depth);
  }

  // Where part `part` begins: parts differ by a pair of panels, which tiles take together, at most.
  int64_t PanelAt(int64_t part) const { return std::min(2 * (part * pairs / parts), panels); }

  int64_t panels, pairs, block, blocks, parts = 1, count, grain;
};

// rows_at(row, count): where so many rows of A lie, a_step apart.
template <class RowsAt>
void RunTasks(const GemmF32& gemm, int64_t rows, ThreadPool& pool, const RowsAt& rows_at) {
  const int64_t panels = PanelsOf(gemm.columns);
  const ProductTasks tasks(rows, gemm.depth(), panels, pool.num_threads());
  pool.ParallelFor(tasks.count, tasks.grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t row = task % tasks.blocks * tasks.block;
      const int64_t chosen = task / tasks.blocks;
      const int64_t count = std::min(tasks.block, rows - row);
      const float* a = rows_at(row, count);
      GemmF32 part = gemm;
      part.a = &a;
      part.a_offset = 0;
      part.c += row * gemm.c_step;
      if (part.epilogue.residual != nullptr) part.epilogue.residual += row * gemm.epilogue.residual_step;
      RunGemmF32(part, count, tasks.PanelAt(chosen), tasks.PanelAt(chosen + 1));
    }
  });
}

}  // namespace

int64_t GrainOf(int64_t multiplications) {
  constexpr int64_t kSmallWork = 1 << 16;
  return std::max<int64_t>(1, kSmallWork / std::max<int64_t>(1, multiplications));
}

bool SharesRows(int64_t rows, int64_t depth, int64_t panels, int64_t threads) {
  const int64_t columns = panels * kPanel;
  return rows >= threads * GemmF32TileRows() && (threads - 1) * depth * columns <= rows * (depth + columns);
}

void RunProduct(const GemmF32& gemm, int64_t rows, ThreadPool& pool) {
  if (rows <= 0) return;
  const float* a = gemm.a[0] + gemm.a_offset;
  RunTasks(gemm, rows, pool, [&](int64_t row, int64_t) { return a + row * gemm.a_step; });
}

int64_t PairSharedBytes(int64_t rows, int64_t depth) {
  const int64_t pairs = PairsOf(depth);
  return IsFlat(rows, pairs) ? rows * RowBytes(pairs) : 0;
}

int64_t PairThreadBytes(int64_t rows, int64_t depth) {
  const int64_t pairs = PairsOf(depth);
  return IsFlat(rows, pairs) ? 0 : BlockRows(pairs) * RowBytes(pairs);
}

void RunProductOfPairs(const GemmF32& gemm, ConstElements from, int64_t rows, uint8_t* shared,
                       const KernelArgs& args) {
  if (rows <= 0) return;
  const int64_t depth = gemm.run_length, pairs = PairsOf(depth);
  GemmF32 in_pairs = gemm;
  in_pairs.run_length = pairs;
  in_pairs.a_step = pairs;
  if (ArePairs(from, gemm.a_step, depth)) {
    in_pairs.a_step = gemm.a_step / 2;
    const float* words = from.words();
    in_pairs.a = &words;
    return RunProduct(in_pairs, rows, args.pool);
  }
  if (IsFlat(rows, pairs)) {
    auto* a = reinterpret_cast<float*>(shared);
    args.pool.ParallelFor(rows, GrainOf(depth), [&](int64_t begin, int64_t end) {
      ConvertRowsTo(gemm.operands, from + begin * gemm.a_step, gemm.a_step, end - begin, depth,
                    a + begin * pairs);
    });
    return RunTasks(in_pairs, rows, args.pool, [&](int64_t row, int64_t) { return a + row * pairs; });
  }
  RunTasks(in_pairs, rows, args.pool, [&](int64_t row, int64_t count) {
    auto* block = reinterpret_cast<float*>(args.ThreadWorkspace().data());
    ConvertRowsTo(gemm.operands, from + row * gemm.a_step, gemm.a_step, count, depth, block);
    return block;
  });
}

}  // namespace slipway::cpu
