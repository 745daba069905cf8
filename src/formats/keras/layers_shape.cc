// Layers that move, repeat, pad or cut elements.
#include <array>
#include <limits>
#include <numeric>

#include "formats/keras/layer_parts.h"

namespace slipway::keras {
namespace {

Result<Values> Flatten(LayerContext& context) {
  ValueId x = context.in();
  if (context.rank() == 1) return One(context.Add("Unsqueeze", {x, context.IntsOf({1})}));
  // Keras flattens as if channels stood last.
  if (context.config().Text("data_format", "channels_last") == "channels_first" && context.rank() > 2) {
    Ints permutation(static_cast<size_t>(context.rank()));
    std::iota(permutation.begin(), permutation.end(), 1);
    permutation.front() = 0;
    permutation.back() = 1;
    for (size_t i = 1; i + 1 < permutation.size(); ++i) permutation[i] = static_cast<int64_t>(i) + 1;
    SLIPWAY_ASSIGN_OR_RETURN(x, context.Transpose(x, permutation));
  }
  return One(context.Add("Flatten", {x}, {{"axis", int64_t{1}}}));
}

Result<Values> Reshape(LayerContext& context) {
  Ints shape = {0};
  for (int64_t extent : context.config().IntList("target_shape")) {
    if (extent == 0 || extent < -1)
      return context.Error("its target_shape has the extent " + std::to_string(extent));
    shape.push_back(extent);
  }
  return One(context.Reshape(context.in(), shape));
}

// Axes count from 1: the batch stays.
Result<Values> Permute(LayerContext& context) {
  Ints permutation = {0};
  std::vector<bool> seen(static_cast<size_t>(context.rank()), false);
  for (int64_t axis : context.config().IntList("dims")) {
    if (axis < 1 || axis >= context.rank() || seen[static_cast<size_t>(axis)])
      return context.Error("its dims must name each of the axes 1 to " + std::to_string(context.rank() - 1) +
                           " once");
    seen[static_cast<size_t>(axis)] = true;
    permutation.push_back(axis);
  }
  if (static_cast<int64_t>(permutation.size()) != context.rank())
    return context.Error("its dims name " + std::to_string(permutation.size() - 1) + " axes, the input " +
                         ToString(context.shape()) + " has " + std::to_string(context.rank() - 1));
  return One(context.Transpose(context.in(), permutation));
}

Result<Values> RepeatVector(LayerContext& context) {
  SLIPWAY_RETURN_IF_ERROR(context.CheckRank(2, 2));
  const int64_t count = context.config().Int("n", 0);
  if (count < 1) return context.Error("its n is " + std::to_string(count) + "; it must be 1 or more");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("Unsqueeze", {context.in(), context.IntsOf({1})}));
  return One(context.Add("Tile", {y, context.IntsOf({1, count, 1})}));
}

template <size_t axes>
Result<Values> ZeroPadding(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const DataFormat format, ReadDataFormat(context, axes));
  SLIPWAY_ASSIGN_OR_RETURN(const Margins margins, ReadMargins(context, "padding", axes));
  Ints pads(2 * (axes + 2), 0);
  for (size_t i = 0; i < axes; ++i) {
    const auto axis = static_cast<size_t>(format.spatial_axes[i]);
    pads[axis] = margins.before[i];
    pads[axes + 2 + axis] = margins.after[i];
  }
  return One(context.Add("Pad", {context.in(), context.IntsOf(pads)}));
}

template <size_t axes>
Result<Values> Cropping(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const DataFormat format, ReadDataFormat(context, axes));
  SLIPWAY_ASSIGN_OR_RETURN(const Margins margins, ReadMargins(context, "cropping", axes));
  Ints ends;
  for (size_t i = 0; i < axes; ++i) {
    const Dim& extent = context.shape()[static_cast<size_t>(format.spatial_axes[i])];
    if (extent.IsKnown() && margins.before[i] + margins.after[i] >= extent.value())
      return context.Error("it crops " + std::to_string(margins.before[i] + margins.after[i]) +
                           " of an extent of " + extent.ToString());
    ends.push_back(margins.after[i] == 0 ? std::numeric_limits<int64_t>::max() : -margins.after[i]);
  }
  return One(context.Add("Slice", {context.in(), context.IntsOf(margins.before), context.IntsOf(ends),
                                   context.IntsOf(format.spatial_axes)}));
}

constexpr std::array kLayers = {
    LayerDef{"Flatten", Flatten, 1, 1, MaskRule::kDrop},
    LayerDef{"Reshape", Reshape, 1, 1, MaskRule::kDrop},
    LayerDef{"Permute", Permute, 1, 1, MaskRule::kDrop},
    LayerDef{"RepeatVector", RepeatVector, 1, 1, MaskRule::kDrop},
    LayerDef{"ZeroPadding1D", ZeroPadding<1>, 1, 1, MaskRule::kDrop},
    LayerDef{"ZeroPadding2D", ZeroPadding<2>, 1, 1, MaskRule::kDrop},
    LayerDef{"ZeroPadding3D", ZeroPadding<3>, 1, 1, MaskRule::kDrop},
    LayerDef{"Cropping1D", Cropping<1>, 1, 1, MaskRule::kDrop},
    LayerDef{"Cropping2D", Cropping<2>, 1, 1, MaskRule::kDrop},
    LayerDef{"Cropping3D", Cropping<3>, 1, 1, MaskRule::kDrop},
};

}  // namespace

std::span<const LayerDef> ShapeLayers() { return kLayers; }

}  // namespace slipway::keras
