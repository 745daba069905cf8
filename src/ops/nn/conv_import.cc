// Convolutions of ONNX, TFLite and TensorFlow. Weights come in many orders; ours are O I spatial
// (channels_first) or O spatial I (channels_last), and a depthwise convolution is one with as many groups as
// channels.
#include "ops/nn/conv.h"
#include "ops/nn/foreign.h"

namespace slipway {
namespace {

// Channels of the image; `otherwise` where they are open.
Result<int64_t> ChannelsOr(const ImportContext& context, Layout layout, int64_t otherwise) {
  const Type& type = context.type(context.in(0));
  if (!type.HasRank() || type.rank() < 3)
    return context.Unsupported("the input's rank must be known: " + ToString(type));
  const Dim& channels = (*type.shape)[static_cast<size_t>(ChannelAxis(layout, type.rank()))];
  const int64_t count = channels.IsKnown() ? channels.value() : otherwise;
  if (count < 1) return context.Unsupported("the input's channels must be known: " + ToString(type));
  return count;
}

Result<int64_t> ChannelsOf(const ImportContext& context, Layout layout) {
  return ChannelsOr(context, layout, 0);
}

Result<int64_t> DepthOf(const ImportContext& context, ValueId weights, int axis) {
  const Type& type = context.type(weights);
  if (!type.HasRank() || type.rank() < 3)
    return context.Error("the filter's rank must be at least 3: " + ToString(type));
  const Dim& depth = (*type.shape)[static_cast<size_t>(axis < 0 ? axis + type.rank() : axis)];
  if (!depth.IsKnown() || depth.value() < 1)
    return context.Unsupported("the filter's shape must be known: " + ToString(type));
  return depth.value();
}

// Emits Conv, with what a fusion adds behind it.
Status EmitFused(ImportContext& context, const TfFusion& fusion, ValueId weights, Attrs attrs) {
  for (const auto& [name, value] : fusion.attrs) attrs.Set(name, value);
  const std::vector<ValueId> inputs = {context.in(0), weights, fusion.has_bias ? context.in(2) : kNoValue};
  if (fusion.then.empty()) return context.Emit("Conv", inputs, std::move(attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId conv, context.Add("Conv", inputs, std::move(attrs)));
  if (fusion.then == "Elu") return context.Emit("Elu", {conv});
  return context.Emit(fusion.then, {conv, context.in(fusion.has_bias ? 3 : 2)});
}

Status EmitTfConv(ImportContext& context, const TfFusion& fusion) {
  Attrs attrs;
  SLIPWAY_RETURN_IF_ERROR(AddTfWindow(context, attrs));
  const Layout layout = TfLayout(context);
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t depth, DepthOf(context, context.in(1), -2));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, ChannelsOr(context, layout, depth));
  if (channels % depth != 0) {
    return context.Error("the filter has depth " + std::to_string(depth) + ", the input " +
                         std::to_string(channels) + " channels");
  }
  attrs.Set("group", channels / depth);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId weights, TfFilter(context, context.in(1), layout));
  return EmitFused(context, fusion, weights, std::move(attrs));
}

Status EmitTfDepthwise(ImportContext& context, const TfFusion& fusion) {
  Attrs attrs;
  SLIPWAY_RETURN_IF_ERROR(AddTfWindow(context, attrs));
  const Layout layout = TfLayout(context);
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, DepthOf(context, context.in(1), 2));
  attrs.Set("group", channels);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId weights, TfDepthwiseFilter(context, context.in(1), layout));
  return EmitFused(context, fusion, weights, std::move(attrs));
}

}  // namespace

Status ImportOnnxConv(ImportContext& context) {
  const Ints& kernel = context.attrs().IntList("kernel_shape");
  const Type& weights = context.type(context.in(1));
  if (!kernel.empty() && weights.IsStatic() && weights.rank() >= 2) {
    const Dims dims = KnownDims(*weights.shape);
    if (Ints(dims.begin() + 2, dims.end()) != kernel) {
      return context.Error("kernel_shape is " + ToString(kernel) + ", the weights are " + ToString(weights));
    }
  }
  return context.EmitSame();
}

Status ImportTfliteConv(ImportContext& context) {
  Attrs attrs;
  SLIPWAY_RETURN_IF_ERROR(AddTfliteWindow(context, attrs));
  SLIPWAY_RETURN_IF_ERROR(AddTfliteActivation(context, attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, ChannelsOf(context, Layout::kChannelsLast));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t depth, DepthOf(context, context.in(1), -1));
  if (channels % depth != 0) {
    return context.Error("the filter has depth " + std::to_string(depth) + ", the input " +
                         std::to_string(channels) + " channels");
  }
  attrs.Set("group", channels / depth);
  return context.Emit("Conv", {context.in(0), context.in(1), context.in(2)}, std::move(attrs));
}

// Filters [d,h,w,I,O].
Status ImportTfliteConv3d(ImportContext& context) {
  Attrs attrs;
  SLIPWAY_RETURN_IF_ERROR(AddTfliteWindow3d(context, attrs));
  SLIPWAY_RETURN_IF_ERROR(AddTfliteActivation(context, attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, ChannelsOf(context, Layout::kChannelsLast));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t depth, DepthOf(context, context.in(1), -2));
  if (channels % depth != 0) {
    return context.Error("the filter has depth " + std::to_string(depth) + ", the input " +
                         std::to_string(channels) + " channels");
  }
  attrs.Set("group", channels / depth);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId weights, TfFilter(context, context.in(1), Layout::kChannelsLast));
  return context.Emit("Conv", {context.in(0), weights, context.in(2)}, std::move(attrs));
}

Status ImportTfliteDepthwiseConv(ImportContext& context) {
  Attrs attrs;
  SLIPWAY_RETURN_IF_ERROR(AddTfliteWindow(context, attrs));
  SLIPWAY_RETURN_IF_ERROR(AddTfliteActivation(context, attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, ChannelsOf(context, Layout::kChannelsLast));
  attrs.Set("group", channels);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId weights, context.Transposed(context.in(1), {3, 1, 2, 0}));
  return context.Emit("Conv", {context.in(0), weights, context.in(2)}, std::move(attrs));
}

Status ImportTfConv(ImportContext& context) { return EmitTfConv(context, {}); }
Status ImportTfDepthwiseConv(ImportContext& context) { return EmitTfDepthwise(context, {}); }

Status ImportTfFusedConv(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const TfFusion fusion, ReadTfFusion(context));
  return EmitTfConv(context, fusion);
}

Status ImportTfFusedDepthwiseConv(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const TfFusion fusion, ReadTfFusion(context));
  return EmitTfDepthwise(context, fusion);
}

}  // namespace slipway
