#include "ops/quant/scale_map.h"

namespace slipway {

ScaleMap::ScaleMap(const Dims& dims, const Dims& scales, int64_t axis, int64_t block_size) {
  const int64_t count = CountOf(scales);
  if (dims.empty() || (count == 1 && block_size == 0)) return;
  is_single_ = false;
  if (axis < 0) axis += static_cast<int64_t>(dims.size());
  extent_ = dims[static_cast<size_t>(axis)];
  for (size_t i = static_cast<size_t>(axis) + 1; i < dims.size(); ++i) inner_ *= dims[i];
  if (block_size == 0) return;
  block_ = block_size;
  slice_stride_ = inner_;
  outer_stride_ = scales[static_cast<size_t>(axis)] * inner_;
}

Status CheckScales(const InferContext& context, size_t scale) {
  if (!context.shape(0) || !context.shape(scale)) return Status::Ok();
  const DimList& x = *context.shape(0);
  const DimList& scales = *context.shape(scale);
  const int64_t block = context.attrs().Int("block_size");
  if (block < 0) return context.Error("block_size is " + std::to_string(block) + "; it must not be negative");
  const bool is_single = scales.empty() || (scales.size() == 1 && scales[0] == Dim(1));
  if (block == 0 && is_single) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(
      const int axis, NormalizeAxis(context, context.attrs().Int("axis", 1), static_cast<int>(x.size())));
  const Dim& extent = x[static_cast<size_t>(axis)];
  if (block == 0) {
    const bool is_fitting = scales.size() == 1 && (!scales[0].IsKnown() || !extent.IsKnown() ||
                                                   scales[0].value() == extent.value());
    if (is_fitting) return Status::Ok();
    return context.Error("scale is " + ToString(scales) + "; per tensor it is a scalar, along axis " +
                         std::to_string(axis) + " [" + extent.ToString() + "]");
  }
  if (scales.size() != x.size())
    return context.Error("blocked scale " + ToString(scales) + " needs the rank of " + ToString(x));
  for (size_t i = 0; i < x.size(); ++i) {
    const Dim wanted = i == static_cast<size_t>(axis) ? CeilDiv(x[i], Dim(block)) : x[i];
    if (!wanted.IsKnown() || !scales[i].IsKnown() || wanted.value() == scales[i].value()) continue;
    return context.Error("scale " + ToString(scales) + " does not fit " + ToString(x) + " in blocks of " +
                         std::to_string(block) + " along axis " + std::to_string(axis));
  }
  return Status::Ok();
}

ScaleMap MapScales(const RunContext& context, size_t scale) {
  return ScaleMap(context.in(0).dims(), context.in(scale).dims(), context.attrs().Int("axis", 1),
                  context.attrs().Int("block_size"));
}

}  // namespace slipway
