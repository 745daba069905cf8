// What the pools share: their attributes, inference and test cases.
#pragma once

#include "ops/nn/foreign.h"
#include "ops/nn/window.h"

namespace slipway {

std::vector<AttrDef> PoolAttrs();  // kernel_shape (required), the window, ceil_mode, layout, activation
// Output 0 (and 1, where wanted, as i64).
Status InferPool(InferContext& context);

struct PoolCall {
  ImageView in, out;
  Window3 window;
  ActivationSpec activation;
};
Result<PoolCall> ReadPoolCall(const RunContext& context);

// Calls visit(index in y, {n, c}, position) for every output element.
template <class F>
void ForEachPixel(const ImageView& out, const F& visit) {
  std::array<int64_t, 3> at;
  for (int64_t n = 0; n < out.n; ++n) {
    for (int64_t c = 0; c < out.c; ++c) {
      for (at[0] = 0; at[0] < out.size[0]; ++at[0]) {
        for (at[1] = 0; at[1] < out.size[1]; ++at[1]) {
          for (at[2] = 0; at[2] < out.size[2]; ++at[2]) visit(out.At(n, c, at[0], at[1], at[2]), n, c, at);
        }
      }
    }
  }
}
// Calls visit(index in x, position) for every pixel of a window that lies inside the image.
template <class F>
void ForEachInWindow(const PoolCall& call, int64_t n, int64_t c, const std::array<int64_t, 3>& at,
                     const F& visit) {
  std::array<int64_t, 3> in;
  const Window3& window = call.window;
  for (int64_t kz = 0; kz < window.kernel[0]; ++kz) {
    in[0] = at[0] * window.stride[0] - window.pad[0] + kz * window.dilation[0];
    if (in[0] < 0 || in[0] >= call.in.size[0]) continue;
    for (int64_t ky = 0; ky < window.kernel[1]; ++ky) {
      in[1] = at[1] * window.stride[1] - window.pad[1] + ky * window.dilation[1];
      if (in[1] < 0 || in[1] >= call.in.size[1]) continue;
      for (int64_t kx = 0; kx < window.kernel[2]; ++kx) {
        in[2] = at[2] * window.stride[2] - window.pad[2] + kx * window.dilation[2];
        if (in[2] < 0 || in[2] >= call.in.size[2]) continue;
        visit(call.in.At(n, c, in[0], in[1], in[2]), in);
      }
    }
  }
}

double PoolFlops(const InferContext& context);
enum class PoolDomain { kFloatOnly, kFloatAndInteger };
std::vector<TestCase> PoolCases(PoolDomain domain);

// Rows: TFLite's *_POOL_2D and TensorFlow's pools.
Status ImportTflitePool(ImportContext& context);
Status ImportTfPool(ImportContext& context);

}  // namespace slipway
