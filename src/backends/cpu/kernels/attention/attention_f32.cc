#include "backends/cpu/kernels/attention/attention_f32.h"

#include <algorithm>

#include "backends/cpu/kernels/gemm/bf16.h"
#include "backends/cpu/kernels/gemm/gemm_f32.h"
#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/attention/attention_f32.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/attention/panels-inl.h"
#include "backends/cpu/kernels/attention/weights-inl.h"
#include "backends/cpu/kernels/gemm/tile-inl.h"
#include "hwy/highway.h"

#ifndef SLIPWAY_CPU_ATTENTION_SCRATCH
#define SLIPWAY_CPU_ATTENTION_SCRATCH
namespace slipway::cpu {

constexpr int64_t kScoreFloats = 16 * 1024;  // of a block of rows: a part of the second-level cache

// What lies where in scratch, in floats. Elements of keys, values and queries are pairs in products of bf16.
struct AttentionScratch {
  explicit AttentionScratch(const AttentionF32& a) {
    const auto depth_of = [&](int64_t count) { return a.is_bf16 ? PairsOf(count) : count; };
    depth = depth_of(a.head_size);
    score_row = RoundUp(a.kv_length, kPanel);
    result_row = RoundUp(a.value_size, kPanel);
    // Whole register tiles of rows, where there are as many.
    rows = std::clamp<int64_t>(kScoreFloats / std::max<int64_t>(score_row, 1) / 12 * 12, 12, 192);
    rows = std::min(rows, std::max<int64_t>(a.q_length, 1));
    values = RoundUp(PanelsOf(a.kv_length) * depth * kPanel, kPanel);
    mask = values + PanelsOf(a.value_size) * depth_of(a.kv_length) * kPanel;
    scores = mask + score_row;
    results = scores + rows * score_row;
    sums = results + rows * result_row;
    pairs = sums + RoundUp(rows, kPanel);
    total = pairs + (a.is_bf16 ? std::max(rows, a.kv_length) * depth : 0);
  }
  int64_t depth = 0;                      // of the product of queries and keys
  int64_t score_row = 0, result_row = 0;  // of a row
  int64_t rows = 0;                       // of a block
  // Where each begins; keys are first. `pairs`: queries or keys that were not stored so.
  int64_t values = 0, mask = 0, scores = 0, results = 0, sums = 0, pairs = 0, total = 0;
};

}  // namespace slipway::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

// y += weight * values of the keys that weigh anything: for values that are not all moderate.
HWY_INLINE void WeighValues(const float* weights, int64_t length, ConstElements values, int64_t step,
                            int64_t size, float* y) {
  const DF d;
  std::fill_n(y, size, 0.0F);
  for (int64_t j = 0; j < length; ++j, values += step) {
    if (weights[j] == 0) continue;
    const VF weight = hn::Set(d, weights[j]);
    for (int64_t i = 0; i < size; i += kLanes) {
      const auto lanes = static_cast<size_t>(std::min(kLanes, size - i));
      const VF sum = LoadFirst(d, y + i, lanes);
      StoreFirst(hn::MulAdd(weight, LoadElements(values + i, lanes), sum), d, y + i, lanes);
    }
  }
}

// y = x * factor
HWY_INLINE void StoreScaled(const float* x, float factor, int64_t count, Elements y) {
  const VF by = hn::Set(DF(), factor);
  ForVectors(x, count,
             [&](VF v, size_t lanes, int64_t i) HWY_ATTR { StoreElements(hn::Mul(v, by), y + i, lanes); });
}

// Rows of a matrix as Multiply takes them.
struct Operand {
  const float* data;
  int64_t step;
};
template <class Multiply>
HWY_INLINE Operand OperandOf(ConstElements rows, int64_t step, int64_t count, int64_t length, float* pairs) {
  if constexpr (!Multiply::kIsBf16) return {rows.floats(), step};
  if (ArePairs(rows, step, length)) return {rows.words(), step / 2};
  ConvertRowsToPairs(rows, step, count, length, pairs);
  return {pairs, PairsOf(length)};
}

template <class Multiply>
HWY_INLINE void MultiplyRows(const Operand& a, int64_t rows, int64_t depth, const float* b, int64_t columns,
                             float* c, int64_t c_step) {
  GemmF32 gemm;
  gemm.a = &a.data;
  gemm.operands = Multiply::kIsBf16 ? Operands::kBf16Pairs : Operands::kF32;
  gemm.run_length = depth;
  gemm.a_step = a.step;
  gemm.b = b;
  gemm.columns = columns;
  gemm.c = c;
  gemm.c_step = c_step;
  RunGemmTiles<Multiply>(gemm, rows, 0, PanelsOf(columns));
}

template <class Multiply>
HWY_INLINE void RunHeadBy(const AttentionF32& a, int64_t b, int64_t h, int64_t row_begin, int64_t row_end,
                          float* scratch) {
  const AttentionScratch at(a);
  const int64_t kv_head = h / (a.q_heads / a.kv_heads);
  float *values = scratch + at.values, *scores = scratch + at.scores, *results = scratch + at.results;
  float *sums = scratch + at.sums, *pairs = scratch + at.pairs;
  const ConstElements value_rows = a.v.at(b, kv_head);
  const Operand keys = OperandOf<Multiply>(a.k.at(b, kv_head), a.k.row, a.kv_length, a.head_size, pairs);
  PackKeys(keys.data, keys.step, a.kv_length, at.depth, scratch);
  bool is_moderate;
#if SLIPWAY_CPU_HAS_BF16
  if constexpr (Multiply::kIsBf16)
    is_moderate = PackValuePairs(value_rows, a.v.row, a.kv_length, a.value_size, values);
  else
#endif
    is_moderate = PackValues(value_rows, a.v.row, a.kv_length, a.value_size, values);
  const bool is_one_mask = a.mask.row == 0;
  const float* mask = is_one_mask ? MaskRow(a, b, h, 0, scratch + at.mask) : nullptr;
  if (mask != nullptr && AreZeros(mask, a.kv_length)) mask = nullptr;

  for (int64_t first = row_begin; first < row_end; first += at.rows) {
    const int64_t rows = std::min(at.rows, row_end - first);
    const Operand queries = OperandOf<Multiply>(a.q.at(b, h, first), a.q.row, rows, a.head_size, pairs);
    MultiplyRows<Multiply>(queries, rows, at.depth, scratch, a.kv_length, scores, at.score_row);
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t seen = a.is_causal ? std::min(a.past_length + first + i + 1, a.kv_length) : a.kv_length;
      if (!is_one_mask) mask = MaskRow(a, b, h, first + i, scratch + at.mask);
      float* row = scores + i * at.score_row;
      if (is_moderate) {
        sums[i] = WeighScores<Multiply>(a, mask, seen, a.kv_length, row);
        continue;
      }
      sums[i] = 1;
      StoreScaled(row, 1 / WeighScores<MultiplyF32>(a, mask, seen, a.kv_length, row), seen, row);
      WeighValues(row, a.kv_length, value_rows, a.v.row, a.value_size, results + i * at.result_row);
    }
    if (is_moderate) {
      const int64_t depth = Multiply::kIsBf16 ? PairsOf(a.kv_length) : a.kv_length;
      MultiplyRows<Multiply>({scores, at.score_row}, rows, depth, values, a.value_size, results,
                             at.result_row);
    }
    for (int64_t i = 0; i < rows; ++i)
      StoreScaled(results + i * at.result_row, 1 / sums[i], a.value_size, a.y.at(b, h, first + i));
  }
}

}  // namespace

void RunHead(const AttentionF32& a, int64_t b, int64_t h, int64_t row_begin, int64_t row_end,
             float* scratch) {
#if SLIPWAY_CPU_HAS_BF16
  if (a.is_bf16) return RunHeadBy<MultiplyBf16>(a, b, h, row_begin, row_end, scratch);
#endif
  RunHeadBy<MultiplyF32>(a, b, h, row_begin, row_end, scratch);
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {
HWY_EXPORT(RunHead);

int64_t AttentionScratchBytes(const AttentionF32& attention) {
  return AttentionScratch(attention).total * static_cast<int64_t>(sizeof(float));
}

void RunAttentionF32(const AttentionF32& attention, int64_t b, int64_t h, int64_t row_begin, int64_t row_end,
                     float* scratch) {
  HWY_DYNAMIC_DISPATCH(RunHead)(attention, b, h, row_begin, row_end, scratch);
}
}  // namespace slipway::cpu
#endif
