#include "backends/cpu/tactics.h"

#include <algorithm>

#include "ops/cost.h"

namespace slipway::cpu {

double EstimateUs(const Speed& speed, const Step& step) {
  const Cost cost = CostOf(*step.op, *step.node, step.inputs, step.outputs);
  return speed.fixed_us + std::max(cost.flops / speed.gflops, cost.bytes / speed.gbytes) / 1e3;
}

FusedActivation FusedOf(const ActivationSpec& spec) {
  FusedActivation fused;
  switch (spec.kind) {
    case Activation::kNone: break;
    case Activation::kRelu: fused.low = 0; break;
    case Activation::kRelu6:
      fused.low = 0;
      fused.high = 6;
      break;
    case Activation::kReluN1To1:
      fused.low = -1;
      fused.high = 1;
      break;
    case Activation::kTanh: fused.kind = ActivationKind::kTanh; break;
    case Activation::kSigmoid: fused.kind = ActivationKind::kSigmoid; break;
    case Activation::kSilu: fused.kind = ActivationKind::kSilu; break;
    case Activation::kHardSwish: fused.kind = ActivationKind::kHardSwish; break;
    case Activation::kLeakyRelu:
      fused.kind = ActivationKind::kLeakyRelu;
      fused.slope = spec.alpha;
      break;
    case Activation::kClip:
      fused.low = spec.alpha;
      fused.high = spec.beta;
      break;
  }
  return fused;
}

Result<Window2> Window2::Read(const Attrs& attrs, const Ints& kernel) {
  SLIPWAY_ASSIGN_OR_RETURN(const Window window, ReadWindow(attrs, kernel));
  Window2 result;
  const size_t first = 2 - kernel.size();
  for (size_t i = 0; i < kernel.size(); ++i) {
    result.kernel[first + i] = kernel[i];
    result.stride[first + i] = window.strides[i];
    result.dilation[first + i] = window.dilations[i];
    result.pad[first + i] = window.pads_begin[i];
  }
  if (window.auto_pad == "SAME_UPPER") result.mode = Pad::kSameUpper;
  if (window.auto_pad == "SAME_LOWER") result.mode = Pad::kSameLower;
  if (window.auto_pad == "VALID") result.mode = Pad::kValid;
  return result;
}

int64_t Window2::PadFor(int axis, int64_t in, int64_t out) const {
  if (mode == Pad::kExplicit) return pad[axis];
  if (mode == Pad::kValid) return 0;
  const int64_t extent = (kernel[axis] - 1) * dilation[axis] + 1;
  const int64_t total = std::max<int64_t>((out - 1) * stride[axis] + extent - in, 0);
  return mode == Pad::kSameUpper ? total / 2 : total - total / 2;
}

Image2 ViewImage2(const Dims& dims, Layout layout) {
  const size_t first = layout == Layout::kChannelsLast ? 1 : 2;
  Image2 image;
  image.n = dims[0];
  image.c = layout == Layout::kChannelsLast ? dims.back() : dims[1];
  image.h = dims.size() == 4 ? dims[first] : 1;
  image.w = dims[first + dims.size() - 3];
  return image;
}

int64_t CountOfType(const Type& type) { return type.IsStatic() ? CountOf(KnownDims(*type.shape)) : 0; }

}  // namespace slipway::cpu
