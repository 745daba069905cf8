// Numbers into categories: CategoryEncoding, Discretization. Categories outside of their number, which Keras
// refuses, are none.
#include <algorithm>
#include <array>

#include "formats/keras/layer_parts.h"
#include "formats/keras/tensors.h"

namespace slipway::keras {
namespace {

// keras.src.utils.numerical_utils.encode_categorical_inputs: [...,k] of indices to
//   one_hot          [...,k,depth], without the axis k where that is 1
//   multi_hot, count [...,depth]
Result<Values> Encoded(LayerContext& context, ValueId x, int64_t depth) {
  const std::string mode = context.config().Text("output_mode", "");
  constexpr int64_t kDeepest = 1 << 20;
  if (depth < 1 || depth > kDeepest) return context.Error("has " + std::to_string(depth) + " categories");
  const Dim last = context.shape(x).back();
  if (mode == "one_hot" && last.IsKnown() && last.value() == 1) {
    SLIPWAY_ASSIGN_OR_RETURN(x, context.Add("Squeeze", {x, context.IntsOf({-1})}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId hot,
                           context.Add("OneHot",
                                       {x, context.builder().Scalar(DType::kI64, static_cast<double>(depth)),
                                        context.Const(OfNumbers({0, 1}))},
                                       {{"axis", int64_t{-1}}, {"from_end", int64_t{0}}}));
  if (mode == "one_hot") return Values{hot};
  if (mode == "multi_hot") return One(Reduce(context, "ReduceMax", hot, {-2}, false));
  if (mode == "count") return One(Reduce(context, "ReduceSum", hot, {-2}, false));
  return context.Unsupported("output_mode '" + mode + "'", "int, one_hot, multi_hot and count are read");
}

Result<Values> CategoryEncoding(LayerContext& context) {
  if (context.named("count_weights") != kNoValue) return context.Unsupported("count_weights");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, context.Add("Cast", {context.in()}, {{"to", DType::kI64}}));
  // Before TensorFlow 2.5 they were tokens.
  const int64_t otherwise = context.config().Int("max_tokens", 0);
  return Encoded(context, x, context.config().Int("num_tokens", otherwise));
}

// How many boundaries a number has reached.
Result<Values> Discretization(LayerContext& context) {
  const std::vector<double> reals = context.config().Reals("bin_boundaries");
  if (!context.config().Has("bin_boundaries"))
    return context.Unsupported("has no bin_boundaries", "adapt the layer before saving the model");
  const Floats boundaries(reals.begin(), reals.end());
  if (!std::is_sorted(boundaries.begin(), boundaries.end()))
    return context.Error("its bin_boundaries do not ascend");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId bins,
                           context.Add("Bucketize", {context.in()}, {{"boundaries", boundaries}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, context.Add("Cast", {bins}, {{"to", DType::kI64}}));
  if (context.config().Text("output_mode", "int") == "int") return Values{x};
  return Encoded(context, x, static_cast<int64_t>(boundaries.size()) + 1);
}

constexpr std::array kLayers = {
    LayerDef{"CategoryEncoding", CategoryEncoding, 1, 1, MaskRule::kDrop},
    LayerDef{"Discretization", Discretization, 1, 1, MaskRule::kDrop},
};

}  // namespace

std::span<const LayerDef> EncodingLayers() { return kLayers; }

}  // namespace slipway::keras
