// Convolutions: plain, depthwise, separable, transposed.
//
// Keras stores kernels as [spatial...,C/groups,O] whatever the data_format.
#include <algorithm>
#include <array>
#include <numeric>

#include "formats/keras/layer_parts.h"
#include "ops/transpose_tensor.h"

namespace slipway::keras {
namespace {

struct Geometry {
  DataFormat format;
  Ints kernel, strides, dilations;
  bool is_same = false, is_causal = false;
};

Result<Geometry> ReadGeometry(LayerContext& context, size_t axes) {
  Geometry geometry;
  SLIPWAY_ASSIGN_OR_RETURN(geometry.format, ReadDataFormat(context, axes));
  SLIPWAY_ASSIGN_OR_RETURN(geometry.kernel, PerAxis(context, "kernel_size", axes, {}));
  SLIPWAY_ASSIGN_OR_RETURN(geometry.strides, PerAxis(context, "strides", axes, Ints(axes, 1)));
  SLIPWAY_ASSIGN_OR_RETURN(geometry.dilations, PerAxis(context, "dilation_rate", axes, Ints(axes, 1)));
  const std::string padding = context.config().Text("padding", "valid");
  if (geometry.kernel.empty()) return context.Error("it has no kernel_size");
  geometry.is_same = padding == "same";
  geometry.is_causal = padding == "causal" && axes == 1;
  if (!geometry.is_same && !geometry.is_causal && padding != "valid")
    return context.Error("its padding is '" + padding + "'; it must be valid, same or (of one axis) causal");
  return geometry;
}

Attrs AttrsOf(const Geometry& geometry, int64_t group) {
  Attrs attrs = {{"strides", geometry.strides},
                 {"dilations", geometry.dilations},
                 {"layout", geometry.format.layout},
                 {"group", group}};
  if (geometry.is_same) attrs.Set("auto_pad", std::string("SAME_UPPER"));
  if (geometry.is_causal) attrs.Set("pads", Ints{geometry.dilations[0] * (geometry.kernel[0] - 1), 0});
  return attrs;
}

Dims KernelDims(const Ints& kernel, int64_t in, int64_t out) {
  Dims dims = kernel;
  dims.push_back(in);
  dims.push_back(out);
  return dims;
}

// The bias as the last input, where the layer has one.
Status AddBias(LayerContext& context, int64_t number, int64_t count, Values& inputs) {
  if (!context.config().Bool("use_bias", true)) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(Tensor bias, context.Weight("bias", number, {count}));
  inputs.push_back(context.Const(std::move(bias)));
  return Status::Ok();
}

template <size_t axes>
Result<Values> Conv(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Geometry geometry, ReadGeometry(context, axes));
  const int64_t filters = context.config().Int("filters", 0), groups = context.config().Int("groups", 1);
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels,
                           context.Extent(context.in(), geometry.format.channel_axis));
  if (groups < 1 || channels % groups != 0)
    return context.Error("its " + std::to_string(groups) + " groups do not divide the " +
                         std::to_string(channels) + " channels of the input");
  SLIPWAY_ASSIGN_OR_RETURN(
      const Tensor kernel,
      context.Weight("kernel", 0, KernelDims(geometry.kernel, channels / groups, filters)));
  Values inputs = {context.in(), context.Const(KernelForConv(kernel, geometry.format))};
  SLIPWAY_RETURN_IF_ERROR(AddBias(context, 1, filters, inputs));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("Conv", inputs, AttrsOf(geometry, groups)));
  return One(context.Activate(y, "activation"));
}

// [spatial...,C,multiplier]: output c * multiplier + m filters channel c.
Result<Tensor> DepthwiseKernel(LayerContext& context, const Geometry& geometry, int64_t channels,
                               int64_t multiplier) {
  SLIPWAY_ASSIGN_OR_RETURN(
      const Tensor kernel,
      context.Weight("depthwise_kernel|kernel", 0, KernelDims(geometry.kernel, channels, multiplier)));
  return KernelForConv(kernel.Reshaped(KernelDims(geometry.kernel, 1, channels * multiplier)),
                       geometry.format);
}

template <size_t axes>
Result<Values> DepthwiseConv(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Geometry geometry, ReadGeometry(context, axes));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels,
                           context.Extent(context.in(), geometry.format.channel_axis));
  const int64_t multiplier = context.config().Int("depth_multiplier", 1);
  SLIPWAY_ASSIGN_OR_RETURN(Tensor kernel, DepthwiseKernel(context, geometry, channels, multiplier));
  Values inputs = {context.in(), context.Const(std::move(kernel))};
  SLIPWAY_RETURN_IF_ERROR(AddBias(context, 1, channels * multiplier, inputs));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("Conv", inputs, AttrsOf(geometry, channels)));
  return One(context.Activate(y, "activation"));
}

// Depthwise, then a convolution of one pixel.
template <size_t axes>
Result<Values> SeparableConv(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Geometry geometry, ReadGeometry(context, axes));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels,
                           context.Extent(context.in(), geometry.format.channel_axis));
  const int64_t multiplier = context.config().Int("depth_multiplier", 1);
  const int64_t filters = context.config().Int("filters", 0);
  SLIPWAY_ASSIGN_OR_RETURN(Tensor kernel, DepthwiseKernel(context, geometry, channels, multiplier));
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId parts,
      context.Add("Conv", {context.in(), context.Const(std::move(kernel))}, AttrsOf(geometry, channels)));
  SLIPWAY_ASSIGN_OR_RETURN(
      const Tensor points,
      context.Weight("pointwise_kernel", 1, KernelDims(Ints(axes, 1), channels * multiplier, filters)));
  Values inputs = {parts, context.Const(KernelForConv(points, geometry.format))};
  SLIPWAY_RETURN_IF_ERROR(AddBias(context, 2, filters, inputs));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y,
                           context.Add("Conv", inputs, {{"layout", geometry.format.layout}}));
  return One(context.Activate(y, "activation"));
}

// Pads that give Keras's extents. Without output_padding these are in * stride, and with padding 'valid' what
// a larger kernel adds; with it (in - 1) * stride + kernel - 2 * pad + output_padding. 'same' crops what is
// too much as TensorFlow does, the smaller half in front.
Status SetPads(LayerContext& context, const Geometry& geometry, const Ints& output_padding, Attrs& attrs) {
  const size_t axes = geometry.kernel.size();
  Ints begin(axes, 0), end(axes, 0), more(axes, 0);
  for (size_t i = 0; i < axes; ++i) {
    const int64_t kernel = (geometry.kernel[i] - 1) * geometry.dilations[i] + 1;
    const int64_t stride = geometry.strides[i];
    // What the whole extent, (in - 1) * stride + kernel, has too much.
    int64_t surplus = geometry.is_same ? kernel - stride : std::min<int64_t>(kernel - stride, 0);
    if (!output_padding.empty()) {
      if (output_padding[i] >= stride)
        return context.Error("its output_padding " + std::to_string(output_padding[i]) +
                             " must be smaller than the stride " + std::to_string(stride));
      surplus = (geometry.is_same ? 2 * (kernel / 2) : 0) - output_padding[i];
    }
    begin[i] = geometry.is_same ? std::max<int64_t>(surplus, 0) / 2 : 0;
    end[i] = std::max<int64_t>(surplus, 0) - begin[i];
    more[i] = std::max<int64_t>(-surplus, 0);
  }
  begin.insert(begin.end(), end.begin(), end.end());
  attrs.Set("pads", begin);
  attrs.Set("output_padding", more);
  attrs.Remove("auto_pad");
  return Status::Ok();
}

template <size_t axes>
Result<Values> ConvTranspose(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Geometry geometry, ReadGeometry(context, axes));
  const int64_t filters = context.config().Int("filters", 0);
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels,
                           context.Extent(context.in(), geometry.format.channel_axis));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints output_padding, PerAxis(context, "output_padding", axes, {}, 0));
  // [spatial...,O,C] to [O,spatial...,C] or [C,O,spatial...].
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor kernel,
                           context.Weight("kernel", 0, KernelDims(geometry.kernel, filters, channels)));
  Ints permutation(axes + 2);
  if (geometry.format.is_first) {
    std::iota(permutation.begin(), permutation.end(), -2);
    permutation[0] = axes + 1;
    permutation[1] = axes;
  } else {
    std::iota(permutation.begin(), permutation.end(), -1);
    permutation[0] = axes;
    permutation[axes + 1] = axes + 1;
  }
  Values inputs = {context.in(), context.Const(TransposeTensor(kernel, permutation))};
  SLIPWAY_RETURN_IF_ERROR(AddBias(context, 1, filters, inputs));
  Attrs attrs = AttrsOf(geometry, 1);
  SLIPWAY_RETURN_IF_ERROR(SetPads(context, geometry, output_padding, attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("ConvTranspose", inputs, attrs));
  return One(context.Activate(y, "activation"));
}

constexpr std::array kLayers = {
    LayerDef{"Conv1D", Conv<1>},
    LayerDef{"Conv2D", Conv<2>},
    LayerDef{"Conv3D", Conv<3>},
    LayerDef{"Convolution1D", Conv<1>},
    LayerDef{"Convolution2D", Conv<2>},
    LayerDef{"Convolution3D", Conv<3>},
    LayerDef{"DepthwiseConv1D", DepthwiseConv<1>},
    LayerDef{"DepthwiseConv2D", DepthwiseConv<2>},
    LayerDef{"SeparableConv1D", SeparableConv<1>},
    LayerDef{"SeparableConv2D", SeparableConv<2>},
    LayerDef{"SeparableConvolution1D", SeparableConv<1>},
    LayerDef{"SeparableConvolution2D", SeparableConv<2>},
    LayerDef{"Conv1DTranspose", ConvTranspose<1>},
    LayerDef{"Conv2DTranspose", ConvTranspose<2>},
    LayerDef{"Conv3DTranspose", ConvTranspose<3>},
    LayerDef{"Convolution2DTranspose", ConvTranspose<2>},
    LayerDef{"Convolution3DTranspose", ConvTranspose<3>},
};

}  // namespace

std::span<const LayerDef> ConvolutionLayers() { return kLayers; }

}  // namespace slipway::keras
