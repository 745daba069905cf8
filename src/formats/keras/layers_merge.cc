// Layers that join several inputs.
#include <algorithm>
#include <array>

#include "formats/keras/layer_parts.h"

namespace slipway::keras {
namespace {

constexpr size_t kMany = 1000;

// Inputs of fewer axes get new ones behind the batch: keras.layers.Merge.
Result<Values> OfOneRank(LayerContext& context) {
  int64_t most = 0;
  Values values;
  for (size_t i = 0; i < context.num_inputs(); ++i) most = std::max(most, context.rank(context.in(i)));
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    ValueId value = context.in(i);
    Ints axes;
    for (int64_t axis = 1; axis <= most - context.rank(value); ++axis) axes.push_back(axis);
    if (!axes.empty()) {
      SLIPWAY_ASSIGN_OR_RETURN(value, context.Add("Unsqueeze", {value, context.IntsOf(axes)}));
    }
    values.push_back(value);
  }
  return values;
}

constexpr char kAdd[] = "Add", kSub[] = "Sub", kMul[] = "Mul", kMax[] = "Max", kMin[] = "Min";

Result<ValueId> Fold(LayerContext& context, const char* op) {
  SLIPWAY_ASSIGN_OR_RETURN(const Values values, OfOneRank(context));
  ValueId y = values[0];
  for (size_t i = 1; i < values.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(y, context.Add(op, {y, values[i]}));
  }
  return y;
}

template <const char* op>
Result<Values> Merge(LayerContext& context) {
  return One(Fold(context, op));
}

Result<Values> Average(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, Fold(context, kAdd));
  return One(context.Add("Div", {sum, context.Number(static_cast<double>(context.num_inputs()))}));
}

Result<Values> Concatenate(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis,
                           context.Axis(context.config().Int("axis", -1), context.rank()));
  Values values;
  for (size_t i = 0; i < context.num_inputs(); ++i) values.push_back(context.in(i));
  return One(context.Add("Concat", values, {{"axis", axis}}));
}

// Sums of products along one axis of each; the batch is shared.
Result<Values> Dot(LayerContext& context) {
  const ValueId a = context.in(0), b = context.in(1);
  Ints axes = context.config().IntList("axes");
  if (axes.size() == 1) axes.push_back(axes[0]);
  if (axes.size() != 2) return context.Error("its axes must be one or two numbers");
  SLIPWAY_ASSIGN_OR_RETURN(axes[0], context.Axis(axes[0], context.rank(a)));
  SLIPWAY_ASSIGN_OR_RETURN(axes[1], context.Axis(axes[1], context.rank(b)));
  if (axes[0] == 0 || axes[1] == 0) return context.Error("its axes must not be the batch");
  ValueId left = a, right = b;
  if (context.config().Bool("normalize", false)) {
    SLIPWAY_ASSIGN_OR_RETURN(left, UnitLength(context, a, {axes[0]}));
    SLIPWAY_ASSIGN_OR_RETURN(right, UnitLength(context, b, {axes[1]}));
  }
  if (context.rank(a) + context.rank(b) > 20) return context.Error("its inputs have too many axes");
  std::string left_term = "z", right_term = "z", result = "z";
  char next = 'a';
  for (int64_t i = 1; i < context.rank(a); ++i) {
    left_term += i == axes[0] ? 'y' : next;
    if (i != axes[0]) result += next++;
  }
  for (int64_t i = 1; i < context.rank(b); ++i) {
    right_term += i == axes[1] ? 'y' : next;
    if (i != axes[1]) result += next++;
  }
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId y,
      context.Add("Einsum", {left, right}, {{"equation", left_term + "," + right_term + "->" + result}}));
  if (result.size() > 1) return Values{y};
  return One(context.Add("Unsqueeze", {y, context.IntsOf({1})}));
}

constexpr std::array kLayers = {
    LayerDef{"Add", Merge<kAdd>, 1, kMany, MaskRule::kMerge},
    LayerDef{"Subtract", Merge<kSub>, 2, 2, MaskRule::kMerge},
    LayerDef{"Multiply", Merge<kMul>, 1, kMany, MaskRule::kMerge},
    LayerDef{"Average", Average, 1, kMany, MaskRule::kMerge},
    LayerDef{"Maximum", Merge<kMax>, 1, kMany, MaskRule::kMerge},
    LayerDef{"Minimum", Merge<kMin>, 1, kMany, MaskRule::kMerge},
    LayerDef{"Concatenate", Concatenate, 1, kMany, MaskRule::kMerge},
    LayerDef{"Dot", Dot, 2, 2, MaskRule::kDrop},
};

}  // namespace

std::span<const LayerDef> MergeLayers() { return kLayers; }

}  // namespace slipway::keras
