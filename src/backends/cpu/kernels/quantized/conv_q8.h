// Direct 8-bit convolution, channels last, on packed weights, to the bit as TFLite's reference. Matrix
// products are its 1x1 case.
//
// Idea: the windows of a few dozen output pixels are gathered into a buffer that stays in L1 or L2 (pixels of
// 1x1 windows are read where they lie, if the form allows), multiplied with panels of 16 channels and
// requantised tile by tile. Padding holds the input's zero point, so it adds nothing. With x' and w' in the
// form's number range,
//   sum (x - zx)(w - zw) = sum x'w' - zx sum w' - zw sum x' + depth * zx * zw
// modulo 2^32: all but the third is folded into the bias. Source: Jacob et al. 2018, arXiv 1712.05877.
#pragma once

#include <cstdint>
#include <span>

#include "backends/cpu/kernels/conv/conv_f32.h"
#include "backends/cpu/kernels/quantized/dot.h"
#include "backends/cpu/kernels/quantized/requantize.h"

namespace slipway::cpu {

// Bytes of the gather buffer, on the stack of every thread at work.
inline constexpr int64_t kGatherBytes = 64 * 1024;

struct FilterQ8 {
  std::span<const int16_t> weights;  // [out_c][depth], as stored; depth: taps times channels
  std::span<const int32_t> bias;     // [out_c]
  int32_t w_zero = 0;
};

// A packed filter: lines of weights [panel][group], one of bias per panel ([16] i32), and one that begins
// with the sum factor.
struct PackedQ8 {
  DotForm form = DotForm::kWiden;
  bool is_signed = false;  // i8, else u8: images and results
  int64_t out_c = 0, depth = 0;
  int64_t groups = 0;       // lines per panel
  bool is_flipped = false;  // forms of bytes: rows are those of the image xor 0x80, u8 for i8 or back
  int32_t x_zero = 0;       // forms of bytes: in the rows' type
  const WeightLine* lines = nullptr;

  // All but the lines. x_zero: as the input has it.
  static PackedQ8 Of(int64_t out_c, int64_t depth, int32_t x_zero, bool is_signed, DotForm form);
  int64_t row_bytes() const { return groups * 4; }
  int64_t weight_lines() const { return QuantPanelsOf(out_c) * groups; }
  int64_t line_count() const { return weight_lines() + QuantPanelsOf(out_c) + 1; }
  const int32_t* bias() const { return reinterpret_cast<const int32_t*>(lines + weight_lines()); }
  // Times the sum of a row, added to the accumulators.
  int32_t sum_factor() const { return bias()[QuantPanelsOf(out_c) * kQuantPanel]; }
};
// Whether rows of this depth fit the gather buffer.
bool FitsQ8(int64_t depth);
// Writes the lines of a filter of this shape: [line_count()], zeroed before.
void PackQ8(const FilterQ8& filter, const PackedQ8& shape, WeightLine* lines);

struct ConvQ8 {
  ConvGeometry geometry;
  const uint8_t* x = nullptr;      // [batch,in_h,in_w], in_step apart; i8 or u8
  const uint8_t* x_end = nullptr;  // end of what may be read
  const PackedQ8* filter = nullptr;
  const Requantizer* requantizer = nullptr;
  uint8_t* y = nullptr;
};

// Computes output pixels [pixel_begin, pixel_end) for panels [panel_begin, panel_end). Chunks may run in
// parallel. REQUIRES: FitsQ8(depth).
void RunConvQ8(const ConvQ8& conv, int64_t pixel_begin, int64_t pixel_end, int64_t panel_begin,
               int64_t panel_end);

}  // namespace slipway::cpu
