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
Result<ConvCall> ReadConvCall(const RunContext& context);

// Integers in, integers out, exactly as TFLite's reference kernels: i8/u8 (32-bit accumulators), i16 (64-bit).
Status RunQuantizedConv(const RunContext& context, const ConvCall& call);
// f32 in and out, i8 weights: activations are quantised on the fly, as TFLite's dynamic-range kernels do.
Status RunHybridConv(const RunContext& context, const ConvCall& call);

// Rows of other formats.
Status ImportOnnxConv(ImportContext& context);
Status ImportTfliteConv(ImportContext& context);
Status ImportTfliteDepthwiseConv(ImportContext& context);
Status ImportTfConv(ImportContext& context);
Status ImportTfDepthwiseConv(ImportContext& context);
Status ImportTfFusedConv(ImportContext& context);
Status ImportTfFusedDepthwiseConv(ImportContext& context);

std::vector<TestCase> ConvCases();

}  // namespace slipway
