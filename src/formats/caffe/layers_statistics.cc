// Normalisations, reductions, softmax and the search for the largest.
#include <algorithm>
#include <array>
#include <numeric>

#include "formats/caffe/layers.h"

namespace slipway::caffe {
namespace {

Status Softmax(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis, context.Axis(context.params("softmax_param").Int("axis", 1),
                                                            context.rank(context.in())));
  SLIPWAY_RETURN_IF_ERROR(context.error());
  return context.Emit("Softmax", {context.in()}, {{"axis", axis}});
}

Tensor Filled(int64_t count, float value) {
  Tensor tensor(DType::kF32, {count});
  for (float& element : tensor.values<float>()) element = value;
  return tensor;
}

// Sums over the iterations, to be divided by their (decayed) number.
Result<Tensor> Moment(LayerContext& context, size_t i, int64_t channels) {
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor sum, context.Blob(i, {channels}));
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor count, context.Blob(2, {1}));
  const float divisor = *count.as<float>();
  Tensor moment = sum.Clone();
  for (float& value : moment.values<float>()) value *= divisor == 0 ? 0 : 1 / divisor;
  return moment;
}

Result<ValueId> MeanOver(LayerContext& context, ValueId x, const Ints& axes) {
  return context.Add("ReduceMean", {x, context.builder().Ints(axes)}, {{"keepdims", int64_t{1}}});
}

// (x - mean) / sqrt(variance + epsilon), by the moments over `axes`.
Result<ValueId> Standardized(LayerContext& context, const Ints& axes, float epsilon) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId mean, MeanOver(context, context.in(), axes));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId centered, context.Add("Sub", {context.in(), mean}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId square, context.Add("Mul", {centered, centered}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId variance, MeanOver(context, square, axes));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId safe, context.Affine(variance, 1, epsilon));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId deviation, context.Add("Sqrt", {safe}));
  return context.Add("Div", {centered, deviation});
}

// By the batch's own moments.
Result<ValueId> LocalBatchNorm(LayerContext& context, float epsilon) {
  Ints axes = {0};
  for (int64_t i = 2; i < context.rank(context.in()); ++i) axes.push_back(i);
  return Standardized(context, axes, epsilon);
}

// x * blob `i` + blob `i + 1`, a number a channel.
Status ScaleAndShift(LayerContext& context, ValueId x, size_t i) {
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(0, 1));
  Dims dims(static_cast<size_t>(context.rank(x) - 1), 1);
  dims[0] = channels;
  SLIPWAY_ASSIGN_OR_RETURN(Tensor scale, context.Blob(i, dims));
  SLIPWAY_ASSIGN_OR_RETURN(Tensor shift, context.Blob(i + 1, dims));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId scaled, context.Add("Mul", {x, context.Const(std::move(scale))}));
  return context.Emit("Add", {scaled, context.Const(std::move(shift))});
}

// SegNet's and ENet's (two blobs: scale and shift, the moments merged into them where bn_mode is INFERENCE),
// or PSPNet's (two more: mean and variance).
Status Bn(LayerContext& context) {
  const Params params = context.params("bn_param");
  const bool is_merged = params.Enum("bn_mode", {"LEARN", "INFERENCE"}, 0) == 1;
  const bool has_moments = context.num_blobs() >= 4 && params.Bool("moving_average", true);
  const float epsilon = params.Float(params.Has("var_eps") ? "var_eps" : "eps", has_moments ? 1e-5F : 1e-9F);
  const int64_t axis = params.Int("axis", 1);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (context.rank(context.in()) < 2 || axis != 1)
    return context.Unsupported("channels must lie on axis 1 of an input [N,C,...]");
  if (context.layer().tops.size() > 1) return context.Unsupported("moments as further tops are not made");
  if (is_merged) return ScaleAndShift(context, context.in(), 0);
  if (!has_moments) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, LocalBatchNorm(context, epsilon));
    return ScaleAndShift(context, x, 0);
  }
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(0, 1));
  std::vector<ValueId> inputs = {context.in()};
  for (size_t i = 0; i < 4; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(Tensor blob, context.Blob(i, {channels}));
    inputs.push_back(context.Const(std::move(blob)));
  }
  return context.Emit("BatchNormalization", inputs, {{"epsilon", epsilon}});
}

// By the moments of every channel of every photo; scaled and shifted where there are blobs.
Status InstanceNorm(LayerContext& context) {
  const float epsilon = context.params("instance_norm_param").Float("eps", 1e-5F);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  Ints axes;
  for (int64_t i = 2; i < context.rank(context.in()); ++i) axes.push_back(i);
  if (axes.empty()) return context.Error("the input must be [N,C,...]");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, Standardized(context, axes, epsilon));
  if (context.num_blobs() > 0) return ScaleAndShift(context, x, 0);
  context.Emit(x);
  return Status::Ok();
}

Status BatchNorm(LayerContext& context) {
  const Params params = context.params("batch_norm_param");
  const float epsilon = params.Float("eps", 1e-5F);
  const bool is_global = params.Bool("use_global_stats", true);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (context.rank(context.in()) < 2) return context.Unsupported("an input of one axis is not read");
  // NVIDIA's Caffe adds a scale and a shift, bounds epsilon, and always tests by the stored moments.
  const bool has_scale = context.num_blobs() == 5;
  if (!is_global && !has_scale) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, LocalBatchNorm(context, epsilon));
    context.Emit(x);
    return Status::Ok();
  }
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(0, 1));
  // The blobs first: they bound the number of channels by the file.
  SLIPWAY_ASSIGN_OR_RETURN(Tensor mean, Moment(context, 0, channels));
  SLIPWAY_ASSIGN_OR_RETURN(Tensor variance, Moment(context, 1, channels));
  if (context.num_blobs() != 3 && !has_scale)
    return context.Error("has " + std::to_string(context.num_blobs()) +
                         " blobs; Caffe writes 3, NVIDIA's 5 with a scale and a bias");
  Tensor scale = Filled(channels, 1), shift = Filled(channels, 0);
  if (has_scale) {
    SLIPWAY_ASSIGN_OR_RETURN(scale, context.Blob(3, {channels}));
    SLIPWAY_ASSIGN_OR_RETURN(shift, context.Blob(4, {channels}));
  }
  return context.Emit("BatchNormalization",
                      {context.in(), context.Const(std::move(scale)), context.Const(std::move(shift)),
                       context.Const(std::move(mean)), context.Const(std::move(variance))},
                      {{"epsilon", has_scale ? std::max(epsilon, 1e-5F) : epsilon}});
}

// (x - mean) / (deviation + eps) over an image's channel, or the image.
Status Mvn(LayerContext& context) {
  const Params params = context.params("mvn_param");
  const bool divides = params.Bool("normalize_variance", true);
  const bool is_across = params.Bool("across_channels", false);
  const float epsilon = params.Float("eps", 1e-9F);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  Ints axes;
  for (int64_t i = is_across ? 1 : 2; i < context.rank(context.in()); ++i) axes.push_back(i);
  if (axes.empty()) return context.Error("the input must be [N,C,H,W]");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId mean, MeanOver(context, context.in(), axes));
  if (!divides) return context.Emit("Sub", {context.in(), mean});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId centered, context.Add("Sub", {context.in(), mean}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId square, context.Add("Mul", {centered, centered}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId variance, MeanOver(context, square, axes));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId root, context.Add("Sqrt", {variance}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId deviation, context.Affine(root, 1, epsilon));
  return context.Emit("Div", {centered, deviation});
}

Status Reduction(LayerContext& context) {
  constexpr std::array kOps = {"", "ReduceSum", "ReduceL1", "ReduceSumSquare", "ReduceMean"};
  const Params params = context.params("reduction_param");
  const size_t operation = params.Enum("operation", {"", "SUM", "ASUM", "SUMSQ", "MEAN"}, 1);
  const int64_t rank = context.rank(context.in());
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis, context.Axis(params.Int("axis", 0), rank));
  const float factor = params.Float("coeff", 1);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (operation == 0 || axis == rank) return context.Error("operation or axis is out of range");
  Ints axes(static_cast<size_t>(rank - axis));
  std::iota(axes.begin(), axes.end(), axis);
  const std::vector<ValueId> inputs = {context.in(), context.builder().Ints(axes)};
  const Attrs attrs = {{"keepdims", int64_t{0}}};
  if (factor == 1) return context.Emit(kOps[operation], inputs, attrs);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, context.Add(kOps[operation], inputs, attrs));
  return context.Emit("Mul", {sum, context.Number(static_cast<double>(factor))});
}

// The k largest and where they are. Of equals Caffe puts the last first: it compares (value, index) pairs. So
// the axis is searched backwards, where the first of equals is the last.
Status Largest(LayerContext& context, ValueId x, int64_t axis, int64_t count, int64_t extent, ValueId& values,
               ValueId& indices) {
  GraphBuilder& builder = context.builder();
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId backwards,
                           context.Add("Slice", {x, builder.Ints({-1}), builder.Ints({-extent - 1}),
                                                 builder.Ints({axis}), builder.Ints({-1})}));
  Node node;
  node.op = "TopK";
  node.name = context.layer().name + "/TopK";
  node.inputs = {backwards, builder.Ints({count})};
  node.attrs = {{"axis", axis}};
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> found,
                           builder.Add(node, {{node.name, {}, {}, false}, {node.name, {}, {}, false}}));
  values = found[0];
  SLIPWAY_ASSIGN_OR_RETURN(indices, context.Add("Cast", {found[1]}, {{"to", DType::kF32}}));
  SLIPWAY_ASSIGN_OR_RETURN(indices,
                           context.Add("Sub", {context.Number(static_cast<double>(extent - 1)), indices}));
  return Status::Ok();
}

// With an axis: indices, or values, along it. Without one: [N,1,k], or [N,2,k] of indices, then values.
Status ArgMax(LayerContext& context) {
  const Params params = context.params("argmax_param");
  const bool wants_values = params.Bool("out_max_val", false), has_axis = params.Has("axis");
  const int64_t count = params.Int("top_k", 1), rank = context.rank(context.in());
  int64_t axis = 1;
  if (has_axis) {
    SLIPWAY_ASSIGN_OR_RETURN(axis, context.Axis(params.Int("axis", 1), rank));
  }
  SLIPWAY_RETURN_IF_ERROR(context.error());
  ValueId x = context.in();
  if (!has_axis) {
    SLIPWAY_ASSIGN_OR_RETURN(x, context.Add("Flatten", {x}, {{"axis", int64_t{1}}}));
  }
  if (axis >= context.rank(x)) return context.Error("axis " + std::to_string(axis) + " is out of range");
  const Dim extent = context.shape(x)[static_cast<size_t>(axis)];
  if (!extent.IsKnown() || count < 1 || count > extent.value())
    return context.Error("top_k " + std::to_string(count) + " must lie between 1 and the extent " +
                         extent.ToString());
  ValueId values = kNoValue, indices = kNoValue;
  SLIPWAY_RETURN_IF_ERROR(Largest(context, x, axis, count, extent.value(), values, indices));
  if (has_axis) {
    context.Emit(wants_values ? values : indices);
    return Status::Ok();
  }
  const ValueId middle = context.builder().Ints({1});
  if (!wants_values) return context.Emit("Unsqueeze", {indices, middle});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId tall_indices, context.Add("Unsqueeze", {indices, middle}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId tall_values, context.Add("Unsqueeze", {values, middle}));
  return context.Emit("Concat", {tall_indices, tall_values}, {{"axis", int64_t{1}}});
}

// SSD: x / sqrt(sum x^2 + eps) * scale, over a pixel's channels or the image.
Status Normalize(LayerContext& context) {
  const Params params = context.params("norm_param");
  const bool is_across = params.Bool("across_spatial", true), is_shared = params.Bool("channel_shared", true);
  const float epsilon = params.Float("eps", 1e-10F);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  const int64_t rank = context.rank(context.in());
  if (rank < 2) return context.Error("the input must be [N,C,...]");
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(0, 1));
  SLIPWAY_ASSIGN_OR_RETURN(Tensor scale, context.Blob(0, {is_shared ? 1 : channels}));
  Ints axes = {1};
  for (int64_t i = 2; is_across && i < rank; ++i) axes.push_back(i);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId energy,
                           context.Add("ReduceSumSquare", {context.in(), context.builder().Ints(axes)},
                                       {{"keepdims", int64_t{1}}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId safe, context.Affine(energy, 1, epsilon));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId norm, context.Add("Sqrt", {safe}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId unit, context.Add("Div", {context.in(), norm}));
  Dims dims = scale.dims();
  dims.insert(dims.end(), static_cast<size_t>(rank - 2), 1);
  return context.Emit("Mul", {unit, context.Const(scale.Reshaped(std::move(dims)))});
}

constexpr std::array kLayers = {
    LayerDef{"Softmax", Softmax},
    LayerDef{"BatchNorm", BatchNorm},
    LayerDef{"MVN", Mvn},
    LayerDef{"Reduction", Reduction},
    LayerDef{"ArgMax", ArgMax},
    LayerDef{"Normalize", Normalize},
    LayerDef{"NormalizeBBox", Normalize},
    LayerDef{"BN", Bn},
    LayerDef{"InstanceNorm", InstanceNorm},
};

}  // namespace

std::span<const LayerDef> StatisticLayers() { return kLayers; }

}  // namespace slipway::caffe
