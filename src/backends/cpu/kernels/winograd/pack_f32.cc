// Weights of Winograd convolutions: transformed in double, packed in panels.
#include <algorithm>

#include "backends/cpu/kernels/winograd/winograd_f32.h"

namespace slipway::cpu {
namespace {

// Rows of G: a transformed row of weights is G times its three taps.
using Row = double[3];
constexpr Row kG4[] = {{1.0 / 4, 0, 0},
                       {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                       {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                       {1.0 / 24, 1.0 / 12, 1.0 / 6},
                       {1.0 / 24, -1.0 / 12, 1.0 / 6},
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
  if (form == WinogradForm::kF4x4) return kG4;
  return form == WinogradForm::kF6x6 ? kG6 : kGStride2;
}

}  // namespace

WinogradSize SizeOf(WinogradForm form) {
  if (form == WinogradForm::kF4x4) return {1, 6, 4, 36};
  return form == WinogradForm::kF6x6 ? WinogradSize{1, 8, 6, 64} : WinogradSize{2, 9, 4, 36};
}

double RelativeErrorOf(WinogradForm form) {
  if (form == WinogradForm::kF4x4) return 2e-5;
  return form == WinogradForm::kF6x6 ? 1e-4 : 1e-5;
}

int64_t WinogradWeights(WinogradForm form, int64_t out_c, int64_t in_c) {
  return SizeOf(form).matrices * PanelsOf(out_c) * in_c * kPanel;
}

void PackWinograd(WinogradForm form, const float* w, int64_t out_c, int64_t in_c, int64_t stride_o,
                  int64_t stride_tap, int64_t stride_c, float* packed) {
  const int64_t side = form == WinogradForm::kF6x6 ? 8 : 6;
  const Row* g = MatrixOf(form);
  const int64_t panels = PanelsOf(out_c);
  const int64_t panel_floats = in_c * kPanel;
  std::fill(packed, packed + side * side * panels * panel_floats, 0.0F);
  for (int64_t o = 0; o < out_c; ++o) {
    for (int64_t c = 0; c < in_c; ++c) {
      const float* taps = w + o * stride_o + c * stride_c;
      const int64_t first = o / kPanel / kWinogradGroup * kWinogradGroup;  // panel of the group
      const int64_t matrix = std::min(kWinogradGroup, panels - first) * panel_floats;
      float* to = packed + first * side * side * panel_floats + (o / kPanel - first) * panel_floats +
                  c * kPanel + o % kPanel;
      for (int64_t i = 0; i < side; ++i) {
        double row[3];  // of G times the taps
        for (int64_t x = 0; x < 3; ++x) {
          row[x] = 0;
          for (int64_t y = 0; y < 3; ++y)
            row[x] += g[i][y] * static_cast<double>(taps[(y * 3 + x) * stride_tap]);
        }
        for (int64_t j = 0; j < side; ++j) {
          const double value = row[0] * g[j][0] + row[1] * g[j][1] + row[2] * g[j][2];
          to[(i * side + j) * matrix] = static_cast<float>(value);
        }
      }
    }
  }
}

}  // namespace slipway::cpu
