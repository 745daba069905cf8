// Convolutions, pools, local response normalisation, fully connected layers.
//
// Pooling follows PoolingLayer::Reshape: extents round up, and a last window that would start in the padding
// is left out, but only where there is padding.
#include <algorithm>
#include <array>
#include <limits>

#include "formats/caffe/layers.h"

namespace slipway::caffe {
namespace {

struct Spatial {
  Ints kernel, stride, pad, dilation;
};

// `name` per spatial axis, or name_h and name_w, or `short_name`_h and _w ("kernel_size", "kernel_h").
Result<Ints> PerAxis(LayerContext& context, const Params& params, const char* name, const std::string& stem,
                     size_t axes, int64_t otherwise) {
  if (params.Has(stem + "_h") || params.Has(stem + "_w")) {
    if (axes != 2) return context.Error(stem + "_h and " + stem + "_w need two spatial axes");
    return Ints{params.Int(stem + "_h", otherwise), params.Int(stem + "_w", otherwise)};
  }
  const Ints given = params.Ints(name);
  if (given.empty()) return Ints(axes, otherwise);
  if (given.size() == 1) return Ints(axes, given[0]);
  if (given.size() == axes) return given;
  return context.Error(std::string(name) + " has " + std::to_string(given.size()) +
                       " entries, the input has " + std::to_string(axes) + " spatial axes");
}

Result<Spatial> ReadSpatial(LayerContext& context, const Params& params) {
  const int64_t rank = context.rank(context.in());
  if (rank < 3) return context.Error("input " + ToString(context.shape(context.in())) + " must be [N,C,H,W]");
  const size_t axes = static_cast<size_t>(rank) - 2;
  Spatial spatial;
  SLIPWAY_ASSIGN_OR_RETURN(spatial.kernel, PerAxis(context, params, "kernel_size", "kernel", axes, 0));
  SLIPWAY_ASSIGN_OR_RETURN(spatial.stride, PerAxis(context, params, "stride", "stride", axes, 1));
  SLIPWAY_ASSIGN_OR_RETURN(spatial.pad, PerAxis(context, params, "pad", "pad", axes, 0));
  SLIPWAY_ASSIGN_OR_RETURN(spatial.dilation, PerAxis(context, params, "dilation", "dilation", axes, 1));
  SLIPWAY_RETURN_IF_ERROR(context.error());
  return spatial;
}

Ints BothSides(Ints pads) {
  const Ints begin = pads;
  pads.insert(pads.end(), begin.begin(), begin.end());
  return pads;
}

Status CheckConvolution(LayerContext& context, const Spatial& spatial, int64_t outputs, int64_t group) {
  if (std::count(spatial.kernel.begin(), spatial.kernel.end(), 0) > 0)
    return context.Error("kernel_size is missing or 0");
  if (outputs < 1) return context.Error("num_output is " + std::to_string(outputs));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(0, 1));
  if (group >= 1 && channels % group == 0 && outputs % group == 0) return Status::Ok();
  return context.Error("group " + std::to_string(group) + " does not divide the " + std::to_string(channels) +
                       " input channels and the " + std::to_string(outputs) + " outputs");
}

enum class Direction { kForward, kTransposed };
enum class Grouping { kAsGiven, kDepthwise };

Status ImportConvolution(LayerContext& context, Direction direction, Grouping grouping) {
  const Params params = context.params("convolution_param");
  SLIPWAY_ASSIGN_OR_RETURN(const Spatial spatial, ReadSpatial(context, params));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(0, 1));
  const int64_t outputs = params.Int("num_output", grouping == Grouping::kDepthwise ? channels : 0);
  const int64_t group = grouping == Grouping::kDepthwise ? channels : params.Int("group", 1);
  const bool has_bias = params.Bool("bias_term", true);
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis,
                           context.Axis(params.Int("axis", 1), context.rank(context.in())));
  if (axis != 1)
    return context.Unsupported("channels on axis " + std::to_string(axis) + "; only axis 1 is read");
  SLIPWAY_RETURN_IF_ERROR(context.error());
  SLIPWAY_RETURN_IF_ERROR(CheckConvolution(context, spatial, outputs, group));
  const bool is_forward = direction == Direction::kForward;
  Dims dims = is_forward ? Dims{outputs, channels / group} : Dims{channels, outputs / group};
  dims.insert(dims.end(), spatial.kernel.begin(), spatial.kernel.end());
  SLIPWAY_ASSIGN_OR_RETURN(Tensor weights, context.Blob(0, std::move(dims)));
  std::vector<ValueId> inputs = {kNoValue, context.Const(std::move(weights))};
  if (has_bias) {
    SLIPWAY_ASSIGN_OR_RETURN(Tensor bias, context.Blob(1, {outputs}));
    inputs.push_back(context.Const(std::move(bias)));
  }
  const Attrs attrs = {{"strides", spatial.stride},
                       {"dilations", spatial.dilation},
                       {"pads", BothSides(spatial.pad)},
                       {"group", group}};
  // Every bottom has a top of its own, made with the same weights.
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    inputs[0] = context.in(i);
    SLIPWAY_RETURN_IF_ERROR(context.Emit(is_forward ? "Conv" : "ConvTranspose", inputs, attrs));
  }
  return Status::Ok();
}

Status Convolution(LayerContext& context) {
  return ImportConvolution(context, Direction::kForward, Grouping::kAsGiven);
}
Status DepthwiseConvolution(LayerContext& context) {
  return ImportConvolution(context, Direction::kForward, Grouping::kDepthwise);
}
Status Deconvolution(LayerContext& context) {
  return ImportConvolution(context, Direction::kTransposed, Grouping::kAsGiven);
}

// V0's layer: zeros around the image.
Status Padding(LayerContext& context) {
  const int64_t pad = context.fields().Int("pad", 0);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  Ints pads(static_cast<size_t>(context.rank(context.in())), 0);
  if (pads.size() != 4)
    return context.Error("input " + ToString(context.shape(context.in())) + " must be [N,C,H,W]");
  pads[2] = pads[3] = pad;
  return context.Emit("Pad", {context.in(), context.builder().Ints(BothSides(std::move(pads)))});
}

enum class PoolKind { kMax, kAverage, kStochastic };

// Pads that add the windows which start behind the image; empty: there are none. Caffe keeps those where
// there is no padding (the stride is larger than the kernel): their maximum is the lowest float, their mean
// 0.
Ints EmptyWindows(LayerContext& context, const Spatial& spatial) {
  const bool has_pad =
      std::any_of(spatial.pad.begin(), spatial.pad.end(), [](int64_t pad) { return pad > 0; });
  Ints pads(2 * spatial.kernel.size() + 4, 0);
  bool has_empty = false;
  for (size_t i = 0; i < spatial.kernel.size(); ++i) {
    const Dim& in = context.shape(context.in())[i + 2];
    const int64_t kernel = spatial.kernel[i], stride = spatial.stride[i];
    if (has_pad || !in.IsKnown() || in.value() < kernel || stride < 1) continue;
    // Only the last window can start behind the image: strides step over at most one whole kernel.
    const int64_t last = (in.value() - kernel + stride - 1) / stride;
    if (last * stride < in.value()) continue;
    pads[pads.size() / 2 + i + 2] = 1;
    has_empty = true;
  }
  return has_empty ? pads : Ints();
}

Status CheckPool(LayerContext& context, const Spatial& spatial) {
  for (size_t i = 0; i < spatial.kernel.size(); ++i) {
    if (spatial.kernel[i] < 1) return context.Error("kernel_size is missing or 0");
    if (spatial.pad[i] >= spatial.kernel[i])
      return context.Error("pad " + std::to_string(spatial.pad[i]) + " must be smaller than the kernel " +
                           std::to_string(spatial.kernel[i]));
  }
  return Status::Ok();
}

struct Pooled {
  ValueId y = kNoValue, mask = kNoValue;
};

// The maximum and, where wanted, its place in the channel's image, row by row, as a real number.
Result<Pooled> MaxPool(LayerContext& context, ValueId x, const Attrs& attrs, bool wants_mask) {
  Pooled pooled;
  if (!wants_mask) {
    SLIPWAY_ASSIGN_OR_RETURN(pooled.y, context.Add("MaxPool", {x}, attrs));
    return pooled;
  }
  int64_t area = 1;
  for (int64_t i = 2; i < context.rank(x); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, i));
    if (extent < 1 || area > INT32_MAX / extent) return context.Error("the input is too large for a mask");
    area *= extent;
  }
  Node node;
  node.op = "MaxPool";
  node.name = context.layer().name + "/MaxPool";
  node.inputs = {x};
  node.attrs = attrs;
  const std::string name = node.name;
  SLIPWAY_ASSIGN_OR_RETURN(
      const std::vector<ValueId> found,
      context.builder().Add(std::move(node), {{name, {}, {}, false}, {name, {}, {}, false}}));
  pooled.y = found[0];
  const ValueId divisor = context.builder().Scalar(DType::kI64, static_cast<double>(area));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId place, context.Add("Mod", {found[1], divisor}));
  SLIPWAY_ASSIGN_OR_RETURN(pooled.mask, context.Add("Cast", {place}, {{"to", DType::kF32}}));
  return pooled;
}

// Of the test phase: the mean of a window, weighted with itself; 0 where it has no sum.
Result<ValueId> StochasticPool(LayerContext& context, ValueId x, const Attrs& attrs) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId square, context.Add("Mul", {x, x}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId squares, context.Add("AveragePool", {square}, attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sums, context.Add("AveragePool", {x}, attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId ratio, context.Add("Div", {squares, sums}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId has_sum, context.Add("Greater", {sums, context.Number(0)}));
  return context.Add("Where", {has_sum, ratio, context.Number(0)});
}

Result<Pooled> Pool(LayerContext& context, const Spatial& spatial, PoolKind kind, bool is_ceil,
                    bool wants_mask) {
  SLIPWAY_RETURN_IF_ERROR(CheckPool(context, spatial));
  Attrs attrs = {{"kernel_shape", spatial.kernel},
                 {"strides", spatial.stride},
                 {"pads", BothSides(spatial.pad)},
                 {"ceil_mode", int64_t{is_ceil}}};
  Pooled pooled;
  double fill = 0;
  if (kind == PoolKind::kMax) {
    SLIPWAY_ASSIGN_OR_RETURN(pooled, MaxPool(context, context.in(), attrs, wants_mask));
    fill = -static_cast<double>(std::numeric_limits<float>::max());
  } else {
    attrs.Set("count_include_pad", int64_t{1});
    SLIPWAY_ASSIGN_OR_RETURN(pooled.y, kind == PoolKind::kAverage
                                           ? context.Add("AveragePool", {context.in()}, attrs)
                                           : StochasticPool(context, context.in(), attrs));
  }
  const Ints missing = is_ceil ? EmptyWindows(context, spatial) : Ints();
  if (missing.empty()) return pooled;
  const ValueId pads = context.builder().Ints(missing);
  SLIPWAY_ASSIGN_OR_RETURN(pooled.y, context.Add("Pad", {pooled.y, pads, context.Number(fill)}));
  if (pooled.mask == kNoValue) return pooled;
  SLIPWAY_ASSIGN_OR_RETURN(pooled.mask, context.Add("Pad", {pooled.mask, pads, context.Number(-1)}));
  return pooled;
}

Status Pooling(LayerContext& context) {
  const Params params = context.params("pooling_param");
  const auto kind = static_cast<PoolKind>(params.Enum("pool", {"MAX", "AVE", "STOCHASTIC"}, 0) % 3);
  const bool wants_mask = context.layer().tops.size() > 1;
  if (wants_mask && kind != PoolKind::kMax) return context.Error("only pool: MAX has a second top, the mask");
  const bool is_global = params.Bool("global_pooling", false);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (is_global && kind != PoolKind::kStochastic && !wants_mask)
    return context.Emit(kind == PoolKind::kMax ? "GlobalMaxPool" : "GlobalAveragePool", {context.in()});
  SLIPWAY_ASSIGN_OR_RETURN(Spatial spatial, ReadSpatial(context, params));
  for (size_t i = 0; is_global && i < spatial.kernel.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(spatial.kernel[i], context.Extent(0, static_cast<int64_t>(i) + 2));
  }
  // Forks and later versions may round down.
  const bool is_ceil = params.Bool("ceil_mode", true) && params.Enum("round_mode", {"CEIL", "FLOOR"}, 0) == 0;
  SLIPWAY_RETURN_IF_ERROR(context.error());
  const bool is_padded =
      std::any_of(spatial.pad.begin(), spatial.pad.end(), [](int64_t pad) { return pad > 0; });
  if (kind == PoolKind::kStochastic && is_padded) return context.Error("pad goes with pool: MAX or AVE");
  SLIPWAY_ASSIGN_OR_RETURN(const Pooled pooled, Pool(context, spatial, kind, is_ceil, wants_mask));
  context.Emit(pooled.y);
  if (wants_mask) context.Emit(pooled.mask);
  return Status::Ok();
}

// Pools of 1, 2 x 2, 4 x 4 ... parts, one behind the other (He et al., "Spatial Pyramid Pooling", 2014).
Status Spp(LayerContext& context) {
  const Params params = context.params("spp_param");
  const auto kind = static_cast<PoolKind>(params.Enum("pool", {"MAX", "AVE", "STOCHASTIC"}, 0) % 3);
  const int64_t levels = params.Int("pyramid_height", 0);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (context.rank(context.in()) != 4) return context.Error("the input must be [N,C,H,W]");
  if (levels < 1 || levels > 16) return context.Error("pyramid_height is " + std::to_string(levels));
  std::vector<ValueId> parts;
  for (int64_t level = 0; level < levels; ++level) {
    Spatial spatial;
    spatial.dilation = {1, 1};
    const int64_t bins = int64_t{1} << level;
    for (int64_t axis = 2; axis < 4; ++axis) {
      SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, axis));
      const int64_t kernel = (extent + bins - 1) / bins;
      spatial.kernel.push_back(kernel);
      spatial.pad.push_back((kernel * bins - extent + 1) / 2);
    }
    spatial.stride = spatial.kernel;
    SLIPWAY_ASSIGN_OR_RETURN(const Pooled pooled, Pool(context, spatial, kind, true, false));
    if (levels == 1) {
      context.Emit(pooled.y);
      return Status::Ok();
    }
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId flat, context.Add("Flatten", {pooled.y}, {{"axis", int64_t{1}}}));
    parts.push_back(flat);
  }
  return context.Emit("Concat", std::move(parts), {{"axis", int64_t{1}}});
}

constexpr int64_t kMaxColumnWeights = int64_t{1} << 24;

// Every window's pixels as channels: a convolution whose kernels are 1 at one place each.
Status Im2col(LayerContext& context) {
  const Params params = context.params("convolution_param");
  SLIPWAY_ASSIGN_OR_RETURN(const Spatial spatial, ReadSpatial(context, params));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(0, 1));
  int64_t area = 1;
  for (int64_t kernel : spatial.kernel) {
    if (kernel < 1 || kernel > 4096 / area) return context.Error("kernel_size is missing, 0 or too large");
    area *= kernel;
  }
  if (channels < 1 || channels > kMaxColumnWeights / (area * area))
    return context.Error("has too many channels");
  Dims dims = {channels * area, 1};
  dims.insert(dims.end(), spatial.kernel.begin(), spatial.kernel.end());
  Tensor weights(DType::kF32, dims);
  for (int64_t i = 0; i < weights.count(); ++i)
    weights.as<float>()[i] = i % area == i / area % area ? 1.0F : 0.0F;
  return context.Emit("Conv", {context.in(), context.Const(std::move(weights))},
                      {{"strides", spatial.stride},
                       {"dilations", spatial.dilation},
                       {"pads", BothSides(spatial.pad)},
                       {"group", channels}});
}

// Within a channel: x / (1 + alpha * mean of x^2 over a square)^beta.
Status WithinChannel(LayerContext& context, int64_t size, float alpha, float beta) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId square, context.Add("Mul", {context.in(), context.in()}));
  const int64_t pad = (size - 1) / 2;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId mean, context.Add("AveragePool", {square},
                                                           {{"kernel_shape", Ints{size, size}},
                                                            {"pads", Ints{pad, pad, pad, pad}},
                                                            {"count_include_pad", int64_t{1}}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId energy, context.Affine(mean, alpha, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId factor,
                           context.Add("Pow", {energy, context.Number(-static_cast<double>(beta))}));
  return context.Emit("Mul", {context.in(), factor});
}

Status Lrn(LayerContext& context) {
  const Params params = context.params("lrn_param");
  const int64_t size = params.Int("local_size", 5);
  const float alpha = params.Float("alpha", 1), beta = params.Float("beta", 0.75F), k = params.Float("k", 1);
  const bool is_within = params.Enum("norm_region", {"ACROSS_CHANNELS", "WITHIN_CHANNEL"}, 0) == 1;
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (size % 2 == 0) return context.Error("local_size is " + std::to_string(size) + "; it must be odd");
  if (is_within) return WithinChannel(context, size, alpha, beta);
  return context.Emit("LRN", {context.in()}, {{"size", size}, {"alpha", alpha}, {"beta", beta}, {"bias", k}});
}

Status InnerProduct(LayerContext& context) {
  const Params params = context.params("inner_product_param");
  const int64_t outputs = params.Int("num_output", 0);
  const bool is_transposed = params.Bool("transpose", false);
  const DimList shape = context.shape(context.in());
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis,
                           context.Axis(params.Int("axis", 1), context.rank(context.in())));
  const bool has_bias = params.Bool("bias_term", true);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  Dims inner;
  for (size_t i = static_cast<size_t>(axis); i < shape.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, static_cast<int64_t>(i)));
    inner.push_back(extent);
  }
  const auto depth = ElementCount(inner);
  if (!depth.ok()) return context.Error(depth.status().message());
  const Dims dims = is_transposed ? Dims{*depth, outputs} : Dims{outputs, *depth};
  SLIPWAY_ASSIGN_OR_RETURN(Tensor weights, context.Blob(0, dims));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId rows, context.Add("Flatten", {context.in()}, {{"axis", axis}}));
  std::vector<ValueId> inputs = {rows, context.Const(std::move(weights))};
  if (has_bias) {
    SLIPWAY_ASSIGN_OR_RETURN(Tensor bias, context.Blob(1, {outputs}));
    inputs.push_back(context.Const(std::move(bias)));
  }
  const Attrs attrs = {{"transB", int64_t{!is_transposed}}};
  if (axis == 1) return context.Emit("Gemm", inputs, attrs);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("Gemm", inputs, attrs));
  Ints to(static_cast<size_t>(axis),
          0);  // Reshape's 0 would copy from y: the leading extents are spelled out
  for (size_t i = 0; i < to.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(to[i], context.Extent(0, static_cast<int64_t>(i)));
  }
  to.push_back(outputs);
  return context.Emit("Reshape", {y, context.builder().Ints(to)});
}

constexpr std::array kLayers = {
    LayerDef{"Convolution", Convolution, 1, 64},
    LayerDef{"ConvolutionDepthwise", DepthwiseConvolution},
    LayerDef{"DepthwiseConvolution", DepthwiseConvolution},
    LayerDef{"Deconvolution", Deconvolution, 1, 64},
    LayerDef{"padding", Padding},
    LayerDef{"Pooling", Pooling},
    LayerDef{"SPP", Spp},
    LayerDef{"Im2col", Im2col},
    LayerDef{"LRN", Lrn},
    LayerDef{"InnerProduct", InnerProduct},
};

}  // namespace

std::span<const LayerDef> WindowLayers() { return kLayers; }

}  // namespace slipway::caffe
