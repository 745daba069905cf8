#include "backends/cpu/product.h"

#include <algorithm>

#include "base/round_up.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kStayBytes =
    512 * 1024;                          // of rows that stay in the second-level cache while panels pass by
constexpr int64_t kSmallWork = 1 << 16;  // multiplications that are not worth waking a thread for

}  // namespace

void RunProduct(const GemmF32& gemm, int64_t rows, ThreadPool& pool) {
  if (rows <= 0) return;
  const int64_t panels = PanelsOf(gemm.columns);
  const int64_t tile = GemmF32TileRows();
  const int64_t threads = pool.num_threads();
  const int64_t row_bytes = std::max<int64_t>(1, gemm.depth() * static_cast<int64_t>(sizeof(float)));
  // Few rows (a sequence, a small image): panels are dealt out, and each is read from memory once.
  const bool is_flat = rows * row_bytes <= 4 * kStayBytes;
  int64_t block = is_flat ? rows : std::max<int64_t>(tile, kStayBytes / 2 / row_bytes / tile * tile);
  if (is_flat && panels < 4 * threads && threads > 1)
    block = std::max(tile, DivideUp(DivideUp(rows, 4 * threads), tile) * tile);
  block = std::min(block, rows);
  const int64_t blocks = DivideUp(rows, block);
  const int64_t parts_wanted = threads == 1 || blocks >= 4 * threads ? 1 : 4 * threads;
  const int64_t panels_each = std::max<int64_t>(2, DivideUp(panels, parts_wanted) / 2 * 2);
  const int64_t parts = DivideUp(panels, panels_each);
  const int64_t work = std::max<int64_t>(1, block * panels_each * kPanel * gemm.depth());
  pool.ParallelFor(blocks * parts, std::max<int64_t>(1, kSmallWork / work), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t row = task / parts * block;
      const int64_t panel = task % parts * panels_each;
      GemmF32 part = gemm;
      part.a_offset += row * gemm.a_step;
      part.c += row * gemm.c_step;
      if (part.epilogue.residual != nullptr) part.epilogue.residual += row * gemm.epilogue.residual_step;
      RunGemmF32(part, std::min(block, rows - row), panel, std::min(panel + panels_each, panels));
    }
  });
}

}  // namespace slipway::cpu
