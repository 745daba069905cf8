// Softmax of rows.
#pragma once

#include <cstdint>
#include <span>

namespace slipway::cpu {

// x, y: `count` contiguous elements; y = e^(beta * (x - max x)) / sum. x and y may be the same.
void SoftmaxRow(const float* x, int64_t count, float beta, float* y);
// The same of `rows` rows, one behind the other, of at most kShortRow elements: blocks of rows at a time.
inline constexpr int64_t kShortRow = 12;
void SoftmaxShortRows(const float* x, int64_t rows, int64_t count, float beta, float* y);
// The same along the first axis of [length][width], rows `stride` elements apart. scratch: 2 * width.
void SoftmaxColumns(const float* x, int64_t length, int64_t width, int64_t stride, float beta, float* scratch,
                    float* y);

// 8-bit, to the bit as LiteRT: table[d] = e^(-beta * scale * d), out_scale and out_zero of y. Elements `step`
// apart.
struct SoftmaxQuant {
  float table[256];
  float out_scale = 1;
  int32_t out_zero = 0;
};
void SoftmaxRowI8(const SoftmaxQuant& softmax, const int8_t* x, int64_t count, int64_t step, int8_t* y);
void SoftmaxRowU8(const SoftmaxQuant& softmax, const uint8_t* x, int64_t count, int64_t step, uint8_t* y);

}  // namespace slipway::cpu
