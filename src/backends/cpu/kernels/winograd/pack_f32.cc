// Weights of Winograd convolutions: transformed in double, packed in panels.
#include <algorithm>
#include <bit>

#include "backends/cpu/kernels/winograd/winograd_f32.h"
#include "base/scalar.h"

namespace slipway::cpu {
namespace {

// Rows of G: a transformed row of weights is G times its three taps.
using Row = double[3];
constexpr Row kG4[] = {{64.0 / 81, 0, 0},
                       {-128.0 / 243, -32.0 / 81, -8.0 / 27},
                       {-128.0 / 243, 32.0 / 81, -8.0 / 27},
                       {32.0 / 243, 16.0 / 81, 8.0 / 27},
                       {32.0 / 243, -16.0 / 81, 8.0 / 27},
                       {0, 0, 1}};
constexpr Row kG6[] = {{1, 0, 0},
                       {-2.0 / 9, -2.0 / 9, -2.0 / 9},
                       {-2.0 / 9, 2.0 / 9, -2.0 / 9},
                       {1.0 / 90, 1.0 / 45, 2.0 / 45},
                       {1.0 / 90, -1.0 / 45, 2.0 / 45},
                       {32.0 / 45, 16.0 / 45, 8.0 / 45},
                       {32.0 / 45, -16.0 / 45, 8.0 / 45},
                       {0, 0, 1}};
// F(4,2) of taps 0 and 2 at the points 0, 1, -1, 2 and infinity; then tap 1.
constexpr Row kGStride2[] = {
    {1.0 / 2, 0, 0}, {-1.0 / 2, 0, -1.0 / 2}, {-1.0 / 6, 0, 1.0 / 6}, {1.0 / 6, 0, 1.0 / 3}, {0, 0, 1},
    {0, 1, 0}};

const Row* MatrixOf(WinogradForm form) {
  if (form == WinogradForm::kF6x6) return kG6;
  return form == WinogradForm::kF4x4Stride2 ? kGStride2 : kG4;
}

// The taps of up to 16 outputs.
struct Taps {
  const float* w;
  int64_t outputs, stride_o, stride_tap, stride_c;

  float At(int64_t output, int64_t tap, int64_t channel) const {
    return w[output * stride_o + tap * stride_tap + channel * stride_c];
  }
};

// G w G^T of a channel and 16 outputs at once, zeros behind the last: to[(i * side + j) * matrix + output].
void TransformPanel(const Row* g, int64_t side, const Taps& taps, int64_t channel, int64_t matrix,
                    float* to) {
  double w[9][kPanel] = {};
  for (int64_t tap = 0; tap < 9; ++tap) {
    for (int64_t o = 0; o < taps.outputs; ++o) w[tap][o] = static_cast<double>(taps.At(o, tap, channel));
  }
  for (int64_t i = 0; i < side; ++i) {
    double row[3][kPanel];  // of G times the taps
    for (int64_t x = 0; x < 3; ++x) {
      for (int64_t o = 0; o < kPanel; ++o)
        row[x][o] = g[i][0] * w[x][o] + g[i][1] * w[3 + x][o] + g[i][2] * w[6 + x][o];
    }
    for (int64_t j = 0; j < side; ++j) {
      float* at = to + (i * side + j) * matrix;
      for (int64_t o = 0; o < kPanel; ++o)
        at[o] = static_cast<float>(row[0][o] * g[j][0] + row[1][o] * g[j][1] + row[2][o] * g[j][2]);
    }
  }
}

// The same, to one half of pairs: the lower of an even channel, which clears the upper, or the upper.
void TransformToPairs(const Row* g, int64_t side, const Taps& taps, int64_t channel, int64_t matrix,
                      float* to) {
  float w[36 * kPanel];
  TransformPanel(g, side, taps, channel, kPanel, w);
  for (int64_t i = 0; i < side * side; ++i) {
    for (int64_t o = 0; o < kPanel; ++o) {
      const uint32_t bits = FloatToBFloat16(w[i * kPanel + o]);
      float& pair = to[i * matrix + o];
      pair = std::bit_cast<float>(channel % 2 == 0 ? bits : std::bit_cast<uint32_t>(pair) | bits << 16);
    }
  }
}

// A panel among those of its group: packed is where the first group begins.
void PackTransformed(WinogradForm form, const Taps& taps, int64_t panel, int64_t out_c, int64_t in_c,
                     float* packed) {
  const int64_t side = SizeOf(form).side();
  const int64_t panel_floats = DepthOf(form, in_c) * kPanel;
  const int64_t first = panel / kWinogradGroup * kWinogradGroup;  // of the group
  const int64_t matrix = std::min(kWinogradGroup, PanelsOf(out_c) - first) * panel_floats;
  float* to = packed + first * side * side * panel_floats + (panel - first) * panel_floats;
  for (int64_t c = 0; c < in_c; ++c) {
    if (IsBf16(form))
      TransformToPairs(MatrixOf(form), side, taps, c, matrix, to + c / 2 * kPanel);
    else
      TransformPanel(MatrixOf(form), side, taps, c, matrix, to + c * kPanel);
  }
}

// To [channel][tap][16], zeros behind the last output; where the next panel belongs.
float* CopyTaps(const Taps& taps, int64_t in_c, float* to) {
  for (int64_t c = 0; c < in_c; ++c) {
    for (int64_t tap = 0; tap < 9; ++tap, to += kPanel) {
      for (int64_t o = 0; o < taps.outputs; ++o) to[o] = taps.At(o, tap, c);
    }
  }
  return to;
}

// The same of pairs of channels.
float* CopyTapsToPairs(const Taps& taps, int64_t in_c, float* to) {
  const auto bits = [&](int64_t output, int64_t tap, int64_t channel) -> uint32_t {
    return channel < in_c ? FloatToBFloat16(taps.At(output, tap, channel)) : 0;
  };
  for (int64_t c = 0; c < in_c; c += 2) {
    for (int64_t tap = 0; tap < 9; ++tap, to += kPanel) {
      for (int64_t o = 0; o < taps.outputs; ++o)
        to[o] = std::bit_cast<float>(bits(o, tap, c) | bits(o, tap, c + 1) << 16);
    }
  }
  return to;
}

}  // namespace

WinogradSize SizeOf(WinogradForm form) {
  if (form == WinogradForm::kF6x6) return {1, 8, 6, 64};
  return form == WinogradForm::kF4x4Stride2 ? WinogradSize{2, 9, 4, 36} : WinogradSize{1, 6, 4, 36};
}

double RelativeErrorOf(WinogradForm form) {
  switch (form) {
    case WinogradForm::kF4x4:
    case WinogradForm::kF4x4Stride2: return 1e-5;
    case WinogradForm::kF6x6: return 1e-4;
    case WinogradForm::kF4x4Bf16: return 3e-2;
  }
  return 1;
}

int64_t WinogradWeightFloats(WinogradForm form, WinogradWeights weights, int64_t out_c, int64_t in_c) {
  if (weights == WinogradWeights::kTaps) return 9 * PanelsOf(out_c) * DepthOf(form, in_c) * kPanel;
  return SizeOf(form).matrices * PanelsOf(out_c) * DepthOf(form, in_c) * kPanel;
}

void PackWinograd(WinogradForm form, WinogradWeights weights, const float* w, int64_t out_c, int64_t in_c,
                  int64_t stride_o, int64_t stride_tap, int64_t stride_c, float* packed) {
  for (int64_t panel = 0; panel < PanelsOf(out_c); ++panel) {
    const int64_t outputs = std::min(kPanel, out_c - panel * kPanel);
    const Taps taps = {w + panel * kPanel * stride_o, outputs, stride_o, stride_tap, stride_c};
    if (weights == WinogradWeights::kTransformed)
      PackTransformed(form, taps, panel, out_c, in_c, packed);
    else
      packed = IsBf16(form) ? CopyTapsToPairs(taps, in_c, packed) : CopyTaps(taps, in_c, packed);
  }
}

}  // namespace slipway::cpu
