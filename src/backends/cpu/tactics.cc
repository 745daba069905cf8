#include "backends/cpu/tactics.h"

#include <algorithm>
#include <cmath>

#include "ops/cost.h"

namespace slipway::cpu {

double EstimateUs(const Speed& speed, const Step& step, double saved_bytes) {
  const Cost cost = CostOf(*step.op, *step.node, step.inputs, step.outputs);
  return speed.fixed_us +
         std::max(cost.flops / speed.gflops, (cost.bytes - saved_bytes) / speed.gbytes) / 1e3;
}

double NarrowTactic::EstimateUs(const Step& step) const {
  const double weights = static_cast<double>(CountOfType(step.inputs[1]->type)) * sizeof(float);
  return cpu::EstimateUs(speed(), step, weights / 2);
}

std::optional<std::string> WhyNotAsF16(const Tensor& weights) {
  constexpr float kEnd = 65520;  // rounds to infinity
  for (const float weight : weights.values<float>()) {
    if (std::fabs(weight) >= kEnd && std::isfinite(weight))
      return "a weight of " + std::to_string(weight) + " is beyond f16, which ends at 65504";
  }
  return std::nullopt;
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
    case Activation::kGelu: fused.kind = ActivationKind::kGelu; break;
    case Activation::kGeluTanh: fused.kind = ActivationKind::kGeluTanh; break;
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
    result.pad_end[first + i] = window.pads_end[i];
  }
  if (window.auto_pad == "SAME_UPPER") result.mode = Pad::kSameUpper;
  if (window.auto_pad == "SAME_LOWER") result.mode = Pad::kSameLower;
  if (window.auto_pad == "VALID") result.mode = Pad::kValid;
  return result;
}

int64_t Window2::SamePad(int axis, int64_t in, int64_t out) const {
  const int64_t extent = (kernel[axis] - 1) * dilation[axis] + 1;
  return std::max<int64_t>((out - 1) * stride[axis] + extent - in, 0);
}

int64_t Window2::PadFor(int axis, int64_t in, int64_t out) const {
  if (mode == Pad::kExplicit) return pad[axis];
  if (mode == Pad::kValid) return 0;
  const int64_t total = SamePad(axis, in, out);
  return mode == Pad::kSameUpper ? total / 2 : total - total / 2;
}

int64_t Window2::PadEndFor(int axis, int64_t in, int64_t out) const {
  if (mode == Pad::kExplicit) return pad_end[axis];
  if (mode == Pad::kValid) return 0;
  return SamePad(axis, in, out) - PadFor(axis, in, out);
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

ConvGeometry GeometryOf(const Window2& window, const Image2& in, const Image2& out, int64_t groups) {
  ConvGeometry g;
  g.batch = in.n;
  g.in_h = in.h;
  g.in_w = in.w;
  g.in_c = in.c / groups;
  g.in_step = in.c;
  g.out_h = out.h;
  g.out_w = out.w;
  g.out_c = out.c / groups;
  g.out_step = out.c;
  g.kernel_h = window.kernel[0];
  g.kernel_w = window.kernel[1];
  g.stride_h = window.stride[0];
  g.stride_w = window.stride[1];
  g.dilation_h = window.dilation[0];
  g.dilation_w = window.dilation[1];
  g.pad_h = window.PadFor(0, in.h, out.h);
  g.pad_w = window.PadFor(1, in.w, out.w);
  return g;
}

int64_t CountOfType(const Type& type) { return type.IsStatic() ? CountOf(KnownDims(*type.shape)) : 0; }

}  // namespace slipway::cpu
