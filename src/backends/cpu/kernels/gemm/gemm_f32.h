// Products of f32 matrices: rows of A, a fixed step apart, by packed panels of B, with bias, activation and
// residual in the store. Everything that multiplies stands on it: convolutions, fully connected layers,
// Winograd's products, attention.
//
// Idea (Goto, van de Geijn 2008): a tile of rows by one or two panels of 16 columns lives in registers while
// k runs innermost; a row's element is broadcast, a panel's 16 are loaded. A is not packed: its rows are
// addressed by their step, so that channels-last images are read in place. Left out: blocking of k, since a
// panel of any network's depth stays in the second-level cache.
#pragma once

#include <cstdint>

#include "backends/cpu/kernels/gemm/elements.h"
#include "backends/cpu/kernels/simd/activation.h"
#include "base/round_up.h"

namespace slipway::cpu {

inline constexpr int64_t kPanel = 16;  // columns packed side by side, on every instruction set
inline int64_t PanelsOf(int64_t columns) { return DivideUp(columns, kPanel); }

// What the store does to the sums: y = act(sum + bias + residual), or act(sum + bias) + residual.
struct Epilogue {
  const float* bias = nullptr;  // [panels * 16]; null: none
  FusedActivation activation;
  ConstElements residual = nullptr;  // at the first row and column of C; null: none. May be C itself
  int64_t residual_step = 0;         // elements between its rows
  bool is_residual_last = false;     // added behind the activation
};

// What A and B are made of. Pairs stand in the place of floats: k counts pairs.
enum class Operands {
  kF32,
  kBf16Pairs,  // bf16.h. Only then may C or the residual be bf16
  kF16Pairs,   // f16.h
};

// C = A x B. A row of A is `num_runs` stretches of `run_length` elements, one behind the other in k: row i's
// part of run r starts at a[r] + a_offset + i * a_step. A plain matrix is one run of length k.
struct GemmF32 {
  const float* const* a = nullptr;
  Operands operands = Operands::kF32;
  int64_t num_runs = 1;
  int64_t run_length = 0;
  int64_t a_offset = 0;
  int64_t a_step = 0;
  const float* b = nullptr;  // [panel][k][16], the last panel filled up
  int64_t columns = 0;       // of C and of B as a whole
  Elements c = nullptr;
  int64_t c_step = 0;  // elements between rows
  Epilogue epilogue;

  int64_t depth() const { return num_runs * run_length; }
};

// Packs b[n * stride_n + tap * stride_tap + c * stride_c] to [panel][tap][c][16] for n < columns, the last
// panel filled up with 0. A plain matrix has one tap.
void PackPanels(const float* b, int64_t columns, int64_t taps, int64_t depth, int64_t stride_n,
                int64_t stride_tap, int64_t stride_c, float* packed);

// Rows [0, rows) for panels [panel_begin, panel_end). Any rows and panels may be computed in parallel.
void RunGemmF32(const GemmF32& gemm, int64_t rows, int64_t panel_begin, int64_t panel_end);

// Rows that a register tile holds: chunks of multiples of it waste nothing.
int64_t GemmF32TileRows();

}  // namespace slipway::cpu
