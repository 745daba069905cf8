// What the quantised tactics of Conv and FullyConnected share.
#pragma once

#include "backends/cpu/kernels/quantized/conv_q8.h"
#include "backends/cpu/tactics.h"
#include "ops/nn/quantized.h"

namespace slipway::cpu {

// Why the 8-bit kernels do not take these operands (image or rows, weights, bias): wrong types, quantisation
// that is missing or odd, operands that are computed.
std::optional<std::string> WhyNotQ8(const Step& step);

// The weights' elements in the order of the tensor, and the bias (zeros when there is none).
std::vector<int16_t> WeightsOfQ8(const Step& step);
std::vector<int32_t> BiasOfQ8(const Step& step, int64_t count);

// The packed filter of `out_c` outputs and rows of `depth` on the step's input, without its lines.
PackedQ8 ShapeOfQ8(const Step& step, int64_t out_c, int64_t depth);

// Every pixel and panel, in chunks.
void RunConvInParallelQ8(const ConvQ8& conv, ThreadPool& pool);

}  // namespace slipway::cpu
