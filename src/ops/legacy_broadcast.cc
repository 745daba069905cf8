#include "ops/legacy_broadcast.h"

namespace slipway {
namespace {

Status EmitWithSecondAt(ImportContext& context, int64_t axis) {
  const Type& a = context.type(context.in(0));
  const Type& b = context.type(context.in(1));
  if (!a.HasRank() || !b.HasRank()) return context.Unsupported("explicit broadcasting of unknown ranks");
  if (axis < 0) axis += a.rank();
  Ints axes;
  for (int64_t i = axis + b.rank(); i < a.rank(); ++i)
    axes.push_back(b.rank() + static_cast<int64_t>(axes.size()));
  if (axes.empty()) return context.EmitSame();
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId aligned,
                           context.Add("Unsqueeze", {context.in(1), context.ConstInts(axes)}));
  return context.Emit(context.op().name, {context.in(0), aligned});
}

}  // namespace

Status ImportExplicitBroadcast(ImportContext& context) {
  const bool has_axis = context.attrs().Int("broadcast", 0) != 0 && context.attrs().Has("axis");
  return has_axis ? EmitWithSecondAt(context, context.attrs().Int("axis")) : context.EmitSame();
}

Status ImportOldPRelu(ImportContext& context) {
  const Type& slope = context.type(context.in(1));
  const bool is_per_channel = slope.HasRank() && slope.rank() == 1;
  return is_per_channel ? EmitWithSecondAt(context, 1) : context.EmitSame();
}

}  // namespace slipway
