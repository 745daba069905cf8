// Parts of the ConvTranspose record that stand in files of their own.
#pragma once

#include "ops/activation.h"
#include "ops/import.h"
#include "ops/nn/window.h"

namespace slipway {

struct ConvTransposeCall {
  ImageView in, out;
  // Weight of (output channel within its group, input channel within its group) as strides.
  int64_t stride_out = 0, stride_in = 0, group_stride = 0;  // group_stride: from one group to the next
  std::array<int64_t, 3> stride_k = {0, 0, 0};
  Window3 window;
  int64_t group = 1;
  ActivationSpec activation;

  int64_t outs_per_group() const { return out.c / group; }
  int64_t ins_per_group() const { return in.c / group; }

  // Calls tap(index in x, index in w) for every product that reaches output (n, oc, at).
  template <class F>
  void ForEachTap(int64_t n, int64_t oc, const int64_t* at, const F& tap) const {
    const int64_t g = oc / outs_per_group();
    const int64_t base = g * group_stride + oc % outs_per_group() * stride_out;
    int64_t k[3];
    int64_t p[3];
    for (k[0] = 0; k[0] < window.kernel[0]; ++k[0]) {
      if (!Source(0, at, k, p)) continue;
      for (k[1] = 0; k[1] < window.kernel[1]; ++k[1]) {
        if (!Source(1, at, k, p)) continue;
        for (k[2] = 0; k[2] < window.kernel[2]; ++k[2]) {
          if (!Source(2, at, k, p)) continue;
          const int64_t w = base + k[0] * stride_k[0] + k[1] * stride_k[1] + k[2] * stride_k[2];
          const int64_t x = in.At(n, g * ins_per_group(), p[0], p[1], p[2]);
          for (int64_t c = 0; c < ins_per_group(); ++c) tap(x + c * in.stride_c, w + c * stride_in);
        }
      }
    }
  }

 private:
  // The input pixel that tap k spreads onto output position at, along one axis.
  bool Source(int axis, const int64_t* at, const int64_t* k, int64_t* p) const {
    const auto i = static_cast<size_t>(axis);
    const int64_t spread = at[axis] + window.pad[i] - k[axis] * window.dilation[i];
    if (spread < 0 || spread % window.stride[i] != 0) return false;
    p[axis] = spread / window.stride[i];
    return p[axis] < in.size[i];
  }
};

// The window of a ConvTranspose from spatial extents `in` to `out`: `pad` is what is cut off the front of the
// full spread.
Result<Window3> TransposedWindow(const Node& node, const Ints& kernel, std::span<const int64_t> in,
                                 std::span<const int64_t> out);

Status RunQuantizedConvTranspose(const RunContext& context, const ConvTransposeCall& call);

Status ImportTfliteConvTranspose(ImportContext& context);
Status ImportTfliteConvTranspose3d(ImportContext& context);
Status ImportMediapipeConvTranspose(ImportContext& context);
Status ImportTfConvTranspose(ImportContext& context);

std::vector<TestCase> ConvTransposeCases();

}  // namespace slipway
