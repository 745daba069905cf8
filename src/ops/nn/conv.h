// Parts of the Conv record that stand in files of their own.
#pragma once

#include "ops/activation.h"
#include "ops/import.h"
#include "ops/nn/window.h"

namespace slipway {

// What one call of a convolution works on, geometry resolved.
struct ConvCall {
  ImageView in, weight, out;  // weight: n = output channels, c = input channels of one group
  Window3 window;
  int64_t group = 1;
  ActivationSpec activation;
};
// x, w: positions of the image and the weights among the inputs.
Result<ConvCall> ReadConvCall(const RunContext& context, size_t x = 0, size_t w = 1);

// Checks image, weights and bias (inputs number x, w and b) against each other and the attributes; the
// output's type.
Result<Type> ConvType(const InferContext& context, size_t x, size_t w, size_t b, DType dtype);
double ConvFlops(const InferContext& context, size_t w);

// Calls tap(index in x, index in w) for every tap that lies inside the image.
template <class F>
void ForEachTap(const ConvCall& call, int64_t n, int64_t oc, const int64_t* at, const F& tap) {
  const int64_t first = oc / (call.out.c / call.group) * call.weight.c;
  const Window3& window = call.window;
  for (int64_t kz = 0; kz < window.kernel[0]; ++kz) {
    const int64_t iz = at[0] * window.stride[0] - window.pad[0] + kz * window.dilation[0];
    if (iz < 0 || iz >= call.in.size[0]) continue;
    for (int64_t ky = 0; ky < window.kernel[1]; ++ky) {
      const int64_t iy = at[1] * window.stride[1] - window.pad[1] + ky * window.dilation[1];
      if (iy < 0 || iy >= call.in.size[1]) continue;
      for (int64_t kx = 0; kx < window.kernel[2]; ++kx) {
        const int64_t ix = at[2] * window.stride[2] - window.pad[2] + kx * window.dilation[2];
        if (ix < 0 || ix >= call.in.size[2]) continue;
        const int64_t x = call.in.At(n, first, iz, iy, ix);
        const int64_t w = call.weight.At(oc, 0, kz, ky, kx);
        for (int64_t c = 0; c < call.weight.c; ++c)
          tap(x + c * call.in.stride_c, w + c * call.weight.stride_c);
      }
    }
  }
}

// Calls visit(n, oc, index in y, position) for every output element.
template <class F>
void ForEachOutput(const ImageView& out, const F& visit) {
  int64_t at[3];
  for (int64_t n = 0; n < out.n; ++n) {
    for (int64_t oc = 0; oc < out.c; ++oc) {
      for (at[0] = 0; at[0] < out.size[0]; ++at[0]) {
        for (at[1] = 0; at[1] < out.size[1]; ++at[1]) {
          for (at[2] = 0; at[2] < out.size[2]; ++at[2]) {
            visit(n, oc, out.At(n, oc, at[0], at[1], at[2]), at);
          }
        }
      }
    }
  }
}

// Integers in, integers out, exactly as TFLite's reference kernels: i8/u8 (32-bit accumulators), i16
// (64-bit).
Status RunQuantizedConv(const RunContext& context, const ConvCall& call);
// f32 in and out, i8 weights: activations are quantised on the fly, as TFLite's dynamic-range kernels do.
Status RunHybridConv(const RunContext& context, const ConvCall& call);

// Rows of other formats.
Status ImportOnnxConv(ImportContext& context);
Status ImportTfliteConv(ImportContext& context);
Status ImportTfliteConv3d(ImportContext& context);
Status ImportTfliteDepthwiseConv(ImportContext& context);
Status ImportTfConv(ImportContext& context);
Status ImportTfDepthwiseConv(ImportContext& context);
Status ImportTfFusedConv(ImportContext& context);
Status ImportTfFusedDepthwiseConv(ImportContext& context);

std::vector<TestCase> ConvCases();

}  // namespace slipway
