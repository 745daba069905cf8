// Layer and RMS normalisation of f32 rows.
//
// Moments by the corrected two-pass method (Chan, Golub, LeVeque 1983): the deviations from a mean rounded to
// f32 are summed beside their squares, so that rows far from zero keep their digits. A row is read three
// times, from the L1 cache where it is as long as those of transformers.
#pragma once

#include <cstdint>

namespace slipway::cpu {

struct LayerNormF32 {
  int64_t length = 0;  // of a row, at least 1
  double epsilon = 0;
  bool has_mean = true;          // false: y = x / sqrt(mean x^2 + epsilon) * scale + bias
  const float* scale = nullptr;  // [length]
  const float* bias = nullptr;   // [length] or null: 0
};

// y = (x - mean) / sqrt(variance + epsilon) * scale + bias for `rows` rows, x_step and y_step elements apart.
// x and y may be the same.
void LayerNormRows(const LayerNormF32& norm, const float* x, int64_t x_step, int64_t rows, float* y,
                   int64_t y_step);

}  // namespace slipway::cpu
