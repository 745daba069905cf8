// Layers that move, cut and join.
#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include "formats/caffe/layers.h"

namespace slipway::caffe {
namespace {

// The layer's `axis`, or the older `concat_dim` / `slice_dim`.
Result<int64_t> AxisOf(LayerContext& context, const Params& params, const char* old_name) {
  const int64_t axis = params.Has(old_name) ? params.Int(old_name, 1) : params.Int("axis", 1);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  return context.Axis(axis, context.rank(context.in()));
}

Status Concat(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis, AxisOf(context, context.params("concat_param"), "concat_dim"));
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < context.num_inputs(); ++i) inputs.push_back(context.in(i));
  return context.Emit("Concat", std::move(inputs), {{"axis", axis}});
}

Status Slice(LayerContext& context) {
  const Params params = context.params("slice_param");
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis, AxisOf(context, params, "slice_dim"));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, axis));
  Ints points = params.Ints("slice_point");
  SLIPWAY_RETURN_IF_ERROR(context.error());
  const auto tops = static_cast<int64_t>(context.layer().tops.size());
  if (points.empty()) {
    if (tops == 0 || extent % tops != 0)
      return context.Error("axis " + std::to_string(axis) + " has " + std::to_string(extent) +
                           " slices, which " + std::to_string(tops) + " tops cannot share equally");
    for (int64_t i = 1; i < tops; ++i) points.push_back(extent / tops * i);
  }
  points.push_back(extent);
  Ints sizes;
  int64_t begin = 0;
  for (int64_t end : points) {
    if (end <= begin || end > extent)
      return context.Error("slice_point " + std::to_string(end) + " does not lie between " +
                           std::to_string(begin) + " and the extent " + std::to_string(extent));
    sizes.push_back(end - begin);
    begin = end;
  }
  if (static_cast<int64_t>(sizes.size()) != tops)
    return context.Error("cuts into " + std::to_string(sizes.size()) + " parts, has " + std::to_string(tops) +
                         " tops");
  return context.EmitAll("Split", {context.in(), context.builder().Ints(sizes)}, {{"axis", axis}});
}

// Every top is the input.
Status Alias(LayerContext& context) {
  for (size_t i = 0; i < context.layer().tops.size(); ++i) context.Emit(context.in());
  return Status::Ok();
}

// Training scales what it keeps, unless scale_train says that the test phase scales everything.
Status Dropout(LayerContext& context) {
  const Params params = context.params("dropout_param");
  const bool is_scaled = params.Bool("scale_train", true);
  const float ratio = params.Float("dropout_ratio", 0.5F);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (is_scaled) return Alias(context);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Affine(context.in(), 1 - ratio, 0));
  context.Emit(y);
  return Status::Ok();
}

Status Silence(LayerContext&) { return Status::Ok(); }

Status Flatten(LayerContext& context) {
  const Params params = context.params("flatten_param");
  const int64_t rank = context.rank(context.in());
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t first, context.Axis(params.Int("axis", 1), rank));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t last, context.Axis(params.Int("end_axis", -1), rank));
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (first == 1 && last == rank - 1) return context.Emit("Flatten", {context.in()}, {{"axis", int64_t{1}}});
  if (last < first || last >= rank)
    return context.Error("axes " + std::to_string(first) + " to " + std::to_string(last) +
                         " are no range of an input of rank " + std::to_string(rank));
  Ints shape;
  for (int64_t i = 0; i < rank; ++i) {
    if (i > first && i <= last) continue;
    if (i == first) {
      shape.push_back(-1);
      continue;
    }
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, i));
    shape.push_back(extent);
  }
  return context.Emit("Reshape", {context.in(), context.builder().Ints(shape)});
}

// Replaces `num_axes` extents from `axis` on by `shape`; 0 there keeps the extent, -1 is inferred.
Status Reshape(LayerContext& context) {
  const Params params = context.params("reshape_param");
  const int64_t rank = context.rank(context.in());
  int64_t axis = params.Int("axis", 0);
  if (axis < 0) axis += rank + 1;
  int64_t num_axes = params.Int("num_axes", -1);
  const Ints wanted = params.Child("shape").Ints("dim");
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (num_axes == -1) num_axes = rank - axis;
  if (axis < 0 || axis > rank || num_axes < 0 || axis + num_axes > rank)
    return context.Error("axis and num_axes reach beyond the input " + ToString(context.shape(context.in())));
  // At the front, where nothing is kept from elsewhere, Reshape's own 0 does what Caffe's does.
  if (axis == 0 && num_axes == rank)
    return context.Emit("Reshape", {context.in(), context.builder().Ints(wanted)});
  Ints shape;
  for (int64_t i = 0; i < axis; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, i));
    shape.push_back(extent);
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    shape.push_back(wanted[i]);
    if (wanted[i] != 0) continue;
    SLIPWAY_ASSIGN_OR_RETURN(shape.back(), context.Extent(0, axis + static_cast<int64_t>(i)));
  }
  for (int64_t i = axis + num_axes; i < rank; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, i));
    shape.push_back(extent);
  }
  return context.Emit("Reshape", {context.in(), context.builder().Ints(shape)});
}

// The first input, cut to the extents of the second from `axis` on, beginning at `offset`.
Status Crop(LayerContext& context) {
  const Params params = context.params("crop_param");
  const int64_t rank = context.rank(context.in());
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis, context.Axis(params.Int("axis", 2), rank));
  const Ints offsets = params.Ints("offset");
  SLIPWAY_RETURN_IF_ERROR(context.error());
  const auto num_axes = static_cast<size_t>(rank - axis);
  if (offsets.size() > 1 && offsets.size() != num_axes)
    return context.Error("offset has " + std::to_string(offsets.size()) + " entries, crops " +
                         std::to_string(num_axes) + " axes");
  Ints starts, ends, axes;
  for (size_t i = 0; i < num_axes; ++i) {
    const int64_t at = axis + static_cast<int64_t>(i);
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, at));
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t wanted, context.Extent(1, at));
    const int64_t offset = offsets.empty() ? 0 : offsets[offsets.size() == 1 ? 0 : i];
    if (offset < 0 || offset + wanted > extent)
      return context.Error("axis " + std::to_string(at) + ": offset " + std::to_string(offset) +
                           " and extent " + std::to_string(wanted) + " reach beyond " +
                           std::to_string(extent));
    starts.push_back(offset);
    ends.push_back(offset + wanted);
    axes.push_back(at);
  }
  GraphBuilder& builder = context.builder();
  return context.Emit("Slice", {context.in(), builder.Ints(starts), builder.Ints(ends), builder.Ints(axes)});
}

Status Tile(LayerContext& context) {
  const Params params = context.params("tile_param");
  const int64_t rank = context.rank(context.in());
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis, context.Axis(params.Int("axis", 1), rank));
  const int64_t tiles = params.Int("tiles", 1);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (axis >= rank || tiles < 1) return context.Error("axis or tiles is out of range");
  Ints repeats(static_cast<size_t>(rank), 1);
  repeats[static_cast<size_t>(axis)] = tiles;
  return context.Emit("Tile", {context.in(), context.builder().Ints(repeats)});
}

Status Embed(LayerContext& context) {
  const Params params = context.params("embed_param");
  const int64_t outputs = params.Int("num_output", 0), words = params.Int("input_dim", 0);
  const bool has_bias = params.Bool("bias_term", true);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  SLIPWAY_ASSIGN_OR_RETURN(Tensor table, context.Blob(0, {words, outputs}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId rows, context.Add("Cast", {context.in()}, {{"to", DType::kI64}}));
  const ValueId weights = context.Const(std::move(table));
  if (!has_bias) return context.Emit("Gather", {weights, rows});
  SLIPWAY_ASSIGN_OR_RETURN(Tensor bias, context.Blob(1, {outputs}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId found, context.Add("Gather", {weights, rows}));
  return context.Emit("Add", {found, context.Const(std::move(bias))});
}

// Items of the batch by their numbers: repeated, reordered, left out.
Status BatchReindex(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId items, context.Add("Cast", {context.in(1)}, {{"to", DType::kI64}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId flat, context.Reshape(items, {-1}));
  return context.Emit("Gather", {context.in(), flat});
}

// Of every bottom but the last the items that the last one (a number an item) selects by not being 0.
Status Filter(LayerContext& context) {
  const size_t count = context.num_inputs() - 1;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId selector, context.Reshape(context.in(count), {-1}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId is_kept, context.Add("Cast", {selector}, {{"to", DType::kBool}}));
  for (size_t i = 0; i < count; ++i)
    SLIPWAY_RETURN_IF_ERROR(context.Emit("Compress", {context.in(i), is_kept}, {{"axis", int64_t{0}}}));
  return Status::Ok();
}

// A learnt blob as it is.
Status Parameter(LayerContext& context) {
  const Ints shape = context.params("parameter_param").Child("shape").Ints("dim");
  SLIPWAY_RETURN_IF_ERROR(context.error());
  SLIPWAY_ASSIGN_OR_RETURN(Tensor blob, context.Blob(0, shape));
  context.Emit(context.Const(std::move(blob)));
  return Status::Ok();
}

Status Permute(LayerContext& context) {
  Ints order = context.params("permute_param").Ints("order");
  SLIPWAY_RETURN_IF_ERROR(context.error());
  const int64_t rank = context.rank(context.in());
  for (int64_t i = 0; i < rank; ++i) {
    if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
  }
  if (static_cast<int64_t>(order.size()) != rank)
    return context.Error("order is no permutation of the input's " + std::to_string(rank) + " axes");
  return context.Emit("Transpose", {context.in()}, {{"perm", order}});
}

Status ShuffleChannel(LayerContext& context) {
  const int64_t group = context.params("shuffle_channel_param").Int("group", 1);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  SLIPWAY_ASSIGN_OR_RETURN(const Dims dims, context.StaticShape(0));
  if (dims.size() != 4 || group < 1 || dims[1] % group != 0)
    return context.Error("group " + std::to_string(group) + " does not divide the channels of " +
                         ToString(dims));
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId split,
      context.Reshape(context.in(), {dims[0], group, dims[1] / group, dims[2], dims[3]}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId turned,
                           context.Add("Transpose", {split}, {{"perm", Ints{0, 2, 1, 3, 4}}}));
  return context.Emit("Reshape", {turned, context.builder().Ints(dims)});
}

Status Resize(LayerContext& context, ValueId x, const Ints& sizes, Attrs attrs) {
  for (int64_t size : sizes) {
    if (size < 1 || size > INT32_MAX)
      return context.Error("the output would be " + ToString(std::span<const int64_t>(sizes)));
  }
  attrs.Set("axes", Ints{2, 3});
  return context.Emit("Resize", {x, kNoValue, kNoValue, context.builder().Ints(sizes)}, std::move(attrs));
}

// The image without its first `begin` and last `end` rows and columns.
Result<ValueId> Cut(LayerContext& context, int64_t begin, int64_t end) {
  if (begin == 0 && end == 0) return context.in();
  for (int64_t axis = 2; axis < 4; ++axis) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, axis));
    if (begin + end >= extent) return context.Error("pad_beg and pad_end leave nothing of the input");
  }
  GraphBuilder& builder = context.builder();
  const int64_t last = end == 0 ? INT32_MAX : -end;
  return context.Add("Slice", {context.in(), builder.Ints({begin, begin}), builder.Ints({last, last}),
                               builder.Ints({2, 3})});
}

// DeepLab's bilinear interpolation: corners meet corners.
Status Interp(LayerContext& context) {
  const Params params = context.params("interp_param");
  const int64_t shrink = params.Int("shrink_factor", 1), zoom = params.Int("zoom_factor", 1);
  const int64_t begin = params.Int("pad_beg", 0), end = params.Int("pad_end", 0);
  const bool has_size = params.Has("height") && params.Has("width");
  Ints sizes = {params.Int("height", 0), params.Int("width", 0)};
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (context.rank(context.in()) != 4) return context.Error("the input must be [N,C,H,W]");
  if (begin > 0 || end > 0) return context.Error("pad_beg and pad_end may only cut: they must be 0 or less");
  if (shrink < 1 || zoom < 1 || zoom > INT32_MAX)
    return context.Error("shrink_factor and zoom_factor must be 1 or more");
  for (size_t i = 0; i < 2; ++i) {
    if (has_size) break;
    if (context.num_inputs() == 2) {
      SLIPWAY_ASSIGN_OR_RETURN(sizes[i], context.Extent(1, static_cast<int64_t>(i) + 2));
      continue;
    }
    SLIPWAY_ASSIGN_OR_RETURN(int64_t extent, context.Extent(0, static_cast<int64_t>(i) + 2));
    extent += begin + end;
    if (extent < 1) return context.Error("pad_beg and pad_end leave nothing of the input");
    const int64_t shrunk = (extent - 1) / shrink + 1;
    sizes[i] = shrunk + (shrunk - 1) * (zoom - 1);
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, Cut(context, -begin, -end));
  return Resize(
      context, x, sizes,
      {{"mode", std::string("linear")}, {"coordinate_transformation_mode", std::string("align_corners")}});
}

// Extents of an Upsample's output: given ones, or multiples.
Result<Ints> UpsampledSizes(LayerContext& context, const Params& params) {
  const int64_t scale = params.Int("scale", 2);
  const Ints scales = {params.Int("scale_h", scale), params.Int("scale_w", scale)};
  Ints sizes = {params.Int("upsample_h", 0), params.Int("upsample_w", 0)};
  // Written as flags; `true` takes one row or column away.
  const Ints less = {int64_t{params.Bool("pad_out_h", false)}, int64_t{params.Bool("pad_out_w", false)}};
  SLIPWAY_RETURN_IF_ERROR(context.error());
  const bool has_sizes = sizes[0] > 0 && sizes[1] > 0;
  for (size_t i = 0; i < 2 && !has_sizes; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, static_cast<int64_t>(i) + 2));
    if (scales[i] < 1 || scales[i] > INT32_MAX) return context.Error("scale is out of range");
    sizes[i] = extent * scales[i] - less[i];
  }
  return sizes;
}

// SegNet's: every value goes where the pooling that made the mask found its maximum, 0 elsewhere.
Status Unpool(LayerContext& context, const Ints& sizes) {
  SLIPWAY_ASSIGN_OR_RETURN(const Dims from, context.StaticShape(0));
  SLIPWAY_ASSIGN_OR_RETURN(const Dims mask, context.StaticShape(1));
  if (from != mask)
    return context.Error("the mask is " + ToString(mask) + ", the input " + ToString(from) +
                         "; they must be of one shape");
  GraphBuilder& builder = context.builder();
  const Dims to = {from[0], from[1], sizes[0], sizes[1]};
  if (const auto count = ElementCount(to); !count.ok()) return context.Error(count.status().message());
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId values, context.Reshape(context.in(), {from[0], from[1], -1}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId flat, context.Reshape(context.in(1), {from[0], from[1], -1}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId places, context.Add("Cast", {flat}, {{"to", DType::kI64}}));
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId zeros,
      context.Add("Expand", {context.Number(0), builder.Ints({to[0], to[1], to[2] * to[3]})}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId spread,
                           context.Add("ScatterElements", {zeros, places, values}, {{"axis", int64_t{2}}}));
  return context.Emit("Reshape", {spread, builder.Ints(to)});
}

// With a mask, SegNet's; without one nearest by a factor (YOLO's ports of Darknet).
Status Upsample(LayerContext& context) {
  const Params params = context.params("upsample_param");
  if (context.rank(context.in()) != 4) return context.Error("the input must be [N,C,H,W]");
  SLIPWAY_ASSIGN_OR_RETURN(const Ints sizes, UpsampledSizes(context, params));
  if (context.num_inputs() == 2) return Unpool(context, sizes);
  return Resize(context, context.in(), sizes,
                {{"mode", std::string("nearest")},
                 {"coordinate_transformation_mode", std::string("asymmetric")},
                 {"nearest_mode", std::string("floor")}});
}

// Darknet's: reads the image in squares of `stride`, as if rows lay four channels deep.
Status Reorg(LayerContext& context) {
  const Params params = context.params("reorg_param");
  const int64_t stride = params.Int("stride", params.Int("reorg_stride", 2));
  const bool is_reverse = params.Bool("reverse", false);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (is_reverse) return context.Unsupported("reverse: true is not read");
  SLIPWAY_ASSIGN_OR_RETURN(const Dims dims, context.StaticShape(0));
  const bool fits = dims.size() == 4 && stride >= 1 && stride <= 1024 && dims[1] % (stride * stride) == 0 &&
                    dims[2] % stride == 0 && dims[3] % stride == 0;
  if (!fits)
    return context.Error("stride " + std::to_string(stride) + " does not divide the extents of " +
                         ToString(dims) + ", or its square the channels");
  const int64_t rows = dims[1] / (stride * stride) * dims[2];
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId split,
                           context.Reshape(context.in(), {dims[0], rows, stride, dims[3], stride}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId turned,
                           context.Add("Transpose", {split}, {{"perm", Ints{0, 2, 4, 1, 3}}}));
  return context.Emit("Reshape", {turned, context.builder().Ints({dims[0], dims[1] * stride * stride,
                                                                  dims[2] / stride, dims[3] / stride})});
}

constexpr std::array kLayers = {
    LayerDef{"Concat", Concat, 1, 1024},
    LayerDef{"Slice", Slice},
    LayerDef{"Split", Alias},
    LayerDef{"Dropout", Dropout},
    LayerDef{"Silence", Silence, 0, 1024},
    LayerDef{"Flatten", Flatten},
    LayerDef{"Reshape", Reshape},
    LayerDef{"Crop", Crop, 2, 2},
    LayerDef{"Tile", Tile},
    LayerDef{"Embed", Embed},
    LayerDef{"BatchReindex", BatchReindex, 2, 2},
    LayerDef{"Filter", Filter, 2, 1024},
    LayerDef{"Parameter", Parameter, 0, 0},
    LayerDef{"Permute", Permute},
    LayerDef{"ShuffleChannel", ShuffleChannel},
    LayerDef{"Interp", Interp, 1, 2},
    LayerDef{"Reorg", Reorg},
    LayerDef{"Upsample", Upsample, 1, 2},
};

}  // namespace

std::span<const LayerDef> ShapeLayers() { return kLayers; }

}  // namespace slipway::caffe
