// Scaled dot-product attention on f32, one head at a time, with the scores in the cache.
//
// Idea: a head's keys and values are packed into panels once; then some rows of queries at a time are
// multiplied by the keys, turned into weights where they lie, and multiplied by the values; what a row is
// divided by waits until then, since a row of values is shorter than one of weights. Scores of a whole head
// are never in memory, and no operand is transposed: heads are read where they stand, by their steps.
#pragma once

#include <cstdint>

#include "backends/cpu/kernels/gemm/elements.h"

namespace slipway::cpu {

// Heads within a tensor: element (b, h, l, d) is data[b * batch + h * head + l * row + d].
template <class T>
struct HeadView {
  T data = nullptr;
  int64_t batch = 0, head = 0, row = 0;

  T at(int64_t b, int64_t h, int64_t l = 0) const { return data + (b * batch + h * head + l * row); }
};

// Added to the scores, or telling which keys are seen; element (b, h, i, j) is at b * batch + h * head + i *
// row + j.
struct AttentionMask {
  const float* added = nullptr;   // null: none of this kind
  const uint8_t* seen = nullptr;  // null: none of this kind
  int64_t batch = 0, head = 0, row = 0;
  int64_t extent = 0;  // keys from here on are not seen
};

struct AttentionF32 {
  // Both products are of bf16 (gemm/bf16.h), which the processor must have; only then may operands be.
  bool is_bf16 = false;
  int64_t batch = 1, q_heads = 1, kv_heads = 1;  // kv_heads divides q_heads
  int64_t q_length = 0, kv_length = 0;
  int64_t head_size = 0, value_size = 0;
  HeadView<ConstElements> q, k, v;
  HeadView<Elements> y;
  float scale = 1;
  float softcap = 0;  // 0: none
  bool is_causal = false;
  int64_t past_length = 0;  // keys that stand before those of the first query: causal ones see them all
  AttentionMask mask;
};

int64_t AttentionScratchBytes(const AttentionF32& attention);

// Rows [row_begin, row_end) of queries of head h of batch b. `scratch` is aligned to 64.
void RunAttentionF32(const AttentionF32& attention, int64_t b, int64_t h, int64_t row_begin, int64_t row_end,
                     float* scratch);

}  // namespace slipway::cpu
