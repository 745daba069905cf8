#include "backends/cpu/kernels/attention/attention_f32.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backends/cpu/kernels/gemm/gemm_f32.h"
#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/attention/attention_f32.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/gemm/tile-inl.h"
#include "backends/cpu/kernels/simd/math-inl.h"
#include "backends/cpu/kernels/simd/partial-inl.h"
#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "hwy/highway.h"

#ifndef SLIPWAY_CPU_ATTENTION_SCRATCH
#define SLIPWAY_CPU_ATTENTION_SCRATCH
namespace slipway::cpu {

constexpr int64_t kScoreFloats = 16 * 1024;  // of a block of rows: a part of the second-level cache

// What lies where in scratch.
struct AttentionScratch {
  explicit AttentionScratch(const AttentionF32& a) {
    row = RoundUp(a.kv_length, kPanel);
    keys = PanelsOf(a.kv_length) * a.head_size * kPanel;
    values = PanelsOf(a.value_size) * a.kv_length * kPanel;
    // Whole register tiles of rows, where there are as many.
    rows = std::clamp<int64_t>(kScoreFloats / std::max<int64_t>(row, 1) / 12 * 12, 12, 192);
    rows = std::min(rows, std::max<int64_t>(a.q_length, 1));
  }
  int64_t row = 0, rows = 0;     // floats of a row of scores; rows of a block
  int64_t keys = 0, values = 0;  // floats of the packed panels
  int64_t total() const { return keys + values + (rows + 1) * row; }
};

}  // namespace slipway::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

// 4 x 4 elements: to[c * to_step + r] = from[r * from_step + c].
HWY_INLINE void Transpose4(const float* from, int64_t from_step, float* to, int64_t to_step) {
#if HWY_TARGET == HWY_SCALAR
  for (int64_t r = 0; r < 4; ++r) {
    for (int64_t c = 0; c < 4; ++c) to[c * to_step + r] = from[r * from_step + c];
  }
#else
  const hn::CappedTag<float, 4> d;
  const hn::Repartition<uint64_t, decltype(d)> wide;
  const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + from_step);
  const auto r2 = hn::LoadU(d, from + 2 * from_step), r3 = hn::LoadU(d, from + 3 * from_step);
  const auto low01 = hn::BitCast(wide, hn::InterleaveLower(d, r0, r1));
  const auto high01 = hn::BitCast(wide, hn::InterleaveUpper(d, r0, r1));
  const auto low23 = hn::BitCast(wide, hn::InterleaveLower(d, r2, r3));
  const auto high23 = hn::BitCast(wide, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, low01, low23)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, low01, low23)), d, to + to_step);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, high01, high23)), d, to + 2 * to_step);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, high01, high23)), d, to + 3 * to_step);
#endif
}

// keys [length][size] to [panel][size][16], zeros behind the last.
HWY_INLINE void PackKeys(const float* keys, int64_t step, int64_t length, int64_t size, float* packed) {
  for (int64_t first = 0; first < length; first += kPanel, packed += size * kPanel) {
    const int64_t count = std::min(kPanel, length - first);
    if (count < kPanel) std::fill_n(packed, size * kPanel, 0.0F);
    int64_t j = 0;
    for (; j + 4 <= count; j += 4) {
      const float* from = keys + (first + j) * step;
      int64_t d = 0;
      for (; d + 4 <= size; d += 4) Transpose4(from + d, step, packed + d * kPanel + j, kPanel);
      for (; d < size; ++d) {
        for (int64_t r = 0; r < 4; ++r) packed[d * kPanel + j + r] = from[r * step + d];
      }
    }
    for (; j < count; ++j) {
      for (int64_t d = 0; d < size; ++d) packed[d * kPanel + j] = keys[(first + j) * step + d];
    }
  }
}

// values [length][size] to [panel][length][16], zeros behind the last column.
// Whether all are finite: a key that is not seen may hold anything, and 0 * NaN is not 0.
HWY_INLINE bool PackValues(const float* values, int64_t step, int64_t length, int64_t size, float* packed) {
  const float* const begin = packed;
  for (int64_t first = 0; first < size; first += kPanel) {
    const auto count = static_cast<size_t>(std::min(kPanel, size - first));
    for (int64_t j = 0; j < length; ++j, packed += kPanel) {
      std::memcpy(packed, values + j * step + first, count * sizeof(float));
      if (count < kPanel) std::fill(packed + count, packed + kPanel, 0.0F);
    }
  }
  const DF d;
  VF sum = hn::Zero(d);
  for (const float* x = begin; x < packed; x += kLanes) sum = hn::MulAdd(hn::LoadU(d, x), hn::Zero(d), sum);
  return hn::AllTrue(d, hn::Eq(sum, hn::Zero(d)));
}

// y = weights x values of the keys that weigh anything: for values that are not all finite.
HWY_INLINE void WeighValues(const float* weights, int64_t length, const float* values, int64_t step,
                            int64_t size, float* y) {
  const DF d;
  std::fill_n(y, size, 0.0F);
  for (int64_t j = 0; j < length; ++j, values += step) {
    if (weights[j] == 0) continue;
    const VF weight = hn::Set(d, weights[j]);
    for (int64_t i = 0; i < size; i += kLanes) {
      const auto lanes = static_cast<size_t>(std::min(kLanes, size - i));
      const VF sum = LoadFirst(d, y + i, lanes);
      StoreFirst(hn::MulAdd(weight, LoadFirst(d, values + i, lanes), sum), d, y + i, lanes);
    }
  }
}

// One row's mask as numbers to add; null: none. `buffer` holds a row.
HWY_INLINE const float* MaskRow(const AttentionF32& a, int64_t b, int64_t h, int64_t i, float* buffer) {
  const AttentionMask& mask = a.mask;
  const int64_t at = b * mask.batch + h * mask.head + i * mask.row;
  constexpr float kUnseen = -std::numeric_limits<float>::infinity();
  if (mask.added == nullptr && mask.seen == nullptr) return nullptr;
  if (mask.added != nullptr && mask.extent >= a.kv_length) return mask.added + at;
  for (int64_t j = 0; j < a.kv_length; ++j) {
    if (j >= mask.extent) {
      buffer[j] = kUnseen;
    } else {
      buffer[j] = mask.added != nullptr ? mask.added[at + j] : mask.seen[at + j] != 0 ? 0 : kUnseen;
    }
  }
  return buffer;
}

// Scores of the keys [0, count) to probabilities, zeros behind up to `length`.
HWY_INLINE void SoftmaxScores(const AttentionF32& a, const float* mask, int64_t count, int64_t length,
                              float* scores) {
  const DF d;
  const VF scale = hn::Set(d, a.scale), cap = hn::Set(d, a.softcap);
  const VF unseen = hn::Set(d, -std::numeric_limits<float>::infinity());
  VF most = unseen;
  bool has_nan = false;
  for (int64_t j = 0; j < count; j += kLanes) {
    const auto lanes = static_cast<size_t>(std::min(kLanes, count - j));
    VF x = hn::Mul(LoadFirst(d, scores + j, lanes), scale);
    if (a.softcap != 0) x = hn::Mul(cap, Tanh(d, Divide(x, cap)));
    if (mask != nullptr) {
      const VF added = LoadFirst(d, mask + j, lanes);
      x = hn::IfThenElse(hn::Eq(added, unseen), unseen, hn::Add(x, added));
    }
    StoreFirst(x, d, scores + j, lanes);
    if (lanes < static_cast<size_t>(kLanes)) x = hn::IfThenElse(hn::FirstN(d, lanes), x, unseen);
    has_nan |= !hn::AllFalse(d, hn::IsNaN(x));
    most = hn::Max(most, x);
  }
  const float largest = hn::GetLane(hn::MaxOfLanes(d, most));
  if (!has_nan && largest == -std::numeric_limits<float>::infinity()) {
    std::fill_n(scores, length, 0.0F);
    return;
  }
  // A NaN makes the whole row one, as sums do.
  const VF shift = hn::Set(d, has_nan ? std::numeric_limits<float>::quiet_NaN() : largest);
  VF sum = hn::Zero(d);
  for (int64_t j = 0; j < count; j += kLanes) {
    const auto lanes = static_cast<size_t>(std::min(kLanes, count - j));
    VF x = Exp(d, hn::Sub(LoadFirst(d, scores + j, lanes), shift));
    if (lanes < static_cast<size_t>(kLanes)) x = hn::IfThenElseZero(hn::FirstN(d, lanes), x);
    sum = hn::Add(sum, x);
    StoreFirst(x, d, scores + j, lanes);
  }
  const VF inverse = hn::Set(d, 1.0F / hn::GetLane(hn::SumOfLanes(d, sum)));
  for (int64_t j = 0; j < count; j += kLanes) {
    const auto lanes = static_cast<size_t>(std::min(kLanes, count - j));
    StoreFirst(hn::Mul(LoadFirst(d, scores + j, lanes), inverse), d, scores + j, lanes);
  }
  std::fill(scores + count, scores + length, 0.0F);
}

HWY_INLINE void Multiply(const float* a, int64_t a_step, int64_t rows, int64_t depth, const float* b,
                         int64_t columns, float* c, int64_t c_step) {
  GemmF32 gemm;
  gemm.a = &a;
  gemm.run_length = depth;
  gemm.a_step = a_step;
  gemm.b = b;
  gemm.columns = columns;
  gemm.c = c;
  gemm.c_step = c_step;
  RunGemmTiles(gemm, rows, 0, PanelsOf(columns));
}

}  // namespace

void RunHead(const AttentionF32& a, int64_t b, int64_t h, int64_t row_begin, int64_t row_end,
             float* scratch) {
  const AttentionScratch parts(a);
  const int64_t kv_head = h / (a.q_heads / a.kv_heads);
  float* keys = scratch;
  float* values = keys + parts.keys;
  float* mask_row = values + parts.values;
  float* scores = mask_row + parts.row;
  PackKeys(a.k.at(b, kv_head), a.k.row, a.kv_length, a.head_size, keys);
  const bool is_finite = PackValues(a.v.at(b, kv_head), a.v.row, a.kv_length, a.value_size, values);
  for (int64_t first = row_begin; first < row_end; first += parts.rows) {
    const int64_t rows = std::min(parts.rows, row_end - first);
    Multiply(a.q.at(b, h, first), a.q.row, rows, a.head_size, keys, a.kv_length, scores, parts.row);
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t seen = a.is_causal ? std::min(first + i + 1, a.kv_length) : a.kv_length;
      SoftmaxScores(a, MaskRow(a, b, h, first + i, mask_row), seen, a.kv_length, scores + i * parts.row);
    }
    if (is_finite) {
      Multiply(scores, parts.row, rows, a.kv_length, values, a.value_size, a.y.at(b, h, first), a.y.row);
      continue;
    }
    for (int64_t i = 0; i < rows; ++i) {
      WeighValues(scores + i * parts.row, a.kv_length, a.v.at(b, kv_head), a.v.row, a.value_size,
                  a.y.at(b, h, first + i));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {
HWY_EXPORT(RunHead);

int64_t AttentionScratchBytes(const AttentionF32& attention) {
  return AttentionScratch(attention).total() * static_cast<int64_t>(sizeof(float));
}

void RunAttentionF32(const AttentionF32& attention, int64_t b, int64_t h, int64_t row_begin, int64_t row_end,
                     float* scratch) {
  HWY_DYNAMIC_DISPATCH(RunHead)(attention, b, h, row_begin, row_end, scratch);
}
}  // namespace slipway::cpu
#endif
