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
#include <vector>

#include "backends/cpu/kernels/conv/conv_f32.h"
#include "backends/cpu/kernels/quantized/dot.h"
#include "backends/cpu/kernels/quantized/requantize.h"

namespace slipway::cpu {

// Bytes of the gather buffer, on the stack of every thread at work.
inline constexpr int64_t kGatherBytes = 64 * 1024;

struct FilterQ8 {
  int64_t out_c = 0;
  int64_t depth = 0;             // taps times channels
  std::vector<int16_t> weights;  // [out_c][depth], as stored
  std::vector<int32_t> bias;     // [out_c]
  int32_t x_zero = 0, w_zero = 0;
  bool is_signed = false;  // i8, else u8: images and results
};

struct PackedQ8 {
  DotForm form = DotForm::kWiden;
  bool is_signed = false;
  int64_t out_c = 0, depth = 0;
  int64_t groups = 0;             // lines per panel
  int32_t x_zero = 0;             // kVnni: in u8
  int32_t sum_factor = 0;         // times the sum of a row, added to the accumulators
  std::vector<WeightLine> lines;  // [panel][group]
  std::vector<int32_t> bias;      // [panel][16]

  int64_t row_bytes() const { return groups * 4; }
};
// Whether rows of this depth fit the gather buffer.
bool FitsQ8(int64_t depth);
PackedQ8 PackQ8(const FilterQ8& filter, DotForm form);

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
