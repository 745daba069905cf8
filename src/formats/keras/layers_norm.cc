// Normalisations.
#include <algorithm>
#include <array>
#include <numeric>

#include "formats/keras/layer_parts.h"
#include "formats/keras/tensors.h"

namespace slipway::keras {
namespace {

// The config's axis or axes, counted from the front and sorted; `otherwise` when there are none.
Result<Ints> ReadAxes(LayerContext& context, const Ints& otherwise) {
  Ints axes = context.config().IntList("axis");
  if (axes.empty()) axes = otherwise;
  for (int64_t& axis : axes) {
    SLIPWAY_ASSIGN_OR_RETURN(axis, context.Axis(axis, context.rank()));
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    return context.Error("its axis list names an axis twice");
  return axes;
}

// The weight, or `otherwise` where the config's `flag` says that the layer has none.
Result<Tensor> WeightIf(LayerContext& context, const char* flag, const char* leaf, int64_t& number,
                        const Dims& dims, float otherwise) {
  if (!context.config().Bool(flag, true)) {
    constexpr int64_t kMostChannels = 1 << 20;  // no file bounds them
    const auto count = ElementCount(dims);
    if (!count.ok() || *count > kMostChannels) return context.Unsupported("so many channels without weights");
    return Filled(dims, otherwise);
  }
  return context.Weight(leaf, number++, dims);
}

Result<Values> BatchNormalization(LayerContext& context) {
  SLIPWAY_RETURN_IF_ERROR(context.CheckRank(2, 8));
  if (context.options().Bool("training", false))
    return context.Unsupported("is called with training=True: it normalises by the batch's own moments",
                               "build the model without that argument");
  if (context.config().Has("virtual_batch_size"))
    return context.Unsupported("virtual_batch_size", "build the layer without it");
  SLIPWAY_ASSIGN_OR_RETURN(const Ints axes, ReadAxes(context, {-1}));
  if (axes.size() != 1)
    return context.Unsupported("normalisation over several axes, " + std::to_string(axes.size()));
  const float epsilon = static_cast<float>(context.config().Real("epsilon", 1e-3));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(context.in(), axes[0]));
  int64_t number =
      int64_t{context.config().Bool("scale", true)} + int64_t{context.config().Bool("center", true)};
  // These first: they bound the number of channels by the file.
  SLIPWAY_ASSIGN_OR_RETURN(Tensor mean, context.Weight("moving_mean", number, {channels}));
  SLIPWAY_ASSIGN_OR_RETURN(Tensor variance, context.Weight("moving_variance", number + 1, {channels}));
  number = 0;
  SLIPWAY_ASSIGN_OR_RETURN(Tensor gamma, WeightIf(context, "scale", "gamma", number, {channels}, 1));
  SLIPWAY_ASSIGN_OR_RETURN(Tensor beta, WeightIf(context, "center", "beta", number, {channels}, 0));
  const int64_t rank = context.rank();
  ValueId x = context.in();
  Ints permutation;
  const bool is_last = axes[0] == rank - 1;
  if (!is_last && axes[0] != 1) {
    permutation.resize(static_cast<size_t>(rank));
    std::iota(permutation.begin(), permutation.end(), 0);
    std::swap(permutation[static_cast<size_t>(axes[0])], permutation.back());
    SLIPWAY_ASSIGN_OR_RETURN(x, context.Transpose(x, permutation));
  }
  const bool is_first = axes[0] == 1 && (!is_last || rank == 2);
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId y, context.Add("BatchNormalization",
                                   {x, context.Const(std::move(gamma)), context.Const(std::move(beta)),
                                    context.Const(std::move(mean)), context.Const(std::move(variance))},
                                   {{"epsilon", epsilon},
                                    {"layout", std::string(is_first ? "channels_first" : "channels_last")}}));
  return One(permutation.empty() ? Result<ValueId>(y) : context.Transpose(y, permutation));
}

// `axes` moved behind the others, in their order, and the way back.
struct Move {
  Ints there, back;
};
Move ToTheEnd(const Ints& axes, int64_t rank) {
  Move move;
  for (int64_t i = 0; i < rank; ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) move.there.push_back(i);
  }
  move.there.insert(move.there.end(), axes.begin(), axes.end());
  move.back.resize(static_cast<size_t>(rank));
  for (size_t i = 0; i < move.there.size(); ++i)
    move.back[static_cast<size_t>(move.there[i])] = static_cast<int64_t>(i);
  return move;
}

Result<Values> LayerNormalization(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Ints axes, ReadAxes(context, {-1}));
  if (context.config().Bool("rms_scaling", false))
    return context.Unsupported("rms_scaling", "use the layer RMSNormalization");
  Dims dims;
  for (int64_t axis : axes) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(context.in(), axis));
    dims.push_back(extent);
  }
  const float epsilon = static_cast<float>(context.config().Real("epsilon", 1e-3));
  const bool has_scale = context.config().Bool("scale", true),
             has_shift = context.config().Bool("center", true);
  int64_t number = 0;
  Tensor gamma = Filled({1}, 1);
  if (has_scale) {
    SLIPWAY_ASSIGN_OR_RETURN(gamma, context.Weight("gamma", number++, dims));
  }
  Values inputs = {kNoValue, context.Const(std::move(gamma))};
  if (has_shift) {
    SLIPWAY_ASSIGN_OR_RETURN(Tensor beta, context.Weight("beta", number, dims));
    inputs.push_back(context.Const(std::move(beta)));
  }
  const Move move = ToTheEnd(axes, context.rank());
  SLIPWAY_ASSIGN_OR_RETURN(inputs[0], context.Transpose(context.in(), move.there));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y,
                           context.Add("LayerNormalization", inputs,
                                       {{"axis", -static_cast<int64_t>(axes.size())}, {"epsilon", epsilon}}));
  return One(context.Transpose(y, move.back));
}

Result<Values> RmsNormalization(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Ints axes, ReadAxes(context, {-1}));
  Dims dims;
  for (int64_t axis : axes) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(context.in(), axis));
    dims.push_back(extent);
  }
  SLIPWAY_ASSIGN_OR_RETURN(Tensor scale, context.Weight("scale", 0, dims));
  const Move move = ToTheEnd(axes, context.rank());
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, context.Transpose(context.in(), move.there));
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId y,
      context.Add("RMSNormalization", {x, context.Const(std::move(scale))},
                  {{"axis", -static_cast<int64_t>(axes.size())},
                   {"epsilon", static_cast<float>(context.config().Real("epsilon", 1e-6))}}));
  return One(context.Transpose(y, move.back));
}

Result<Values> GroupNormalization(LayerContext& context) {
  SLIPWAY_RETURN_IF_ERROR(context.CheckRank(2, 8));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints axes, ReadAxes(context, {-1}));
  if (axes.size() != 1) return context.Error("its axis must be one");
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(context.in(), axes[0]));
  int64_t groups = context.config().Int("groups", 32), number = 0;
  if (groups == -1) groups = channels;
  if (groups < 1 || channels % groups != 0)
    return context.Error("its " + std::to_string(groups) + " groups do not divide the " +
                         std::to_string(channels) + " channels of the input");
  SLIPWAY_ASSIGN_OR_RETURN(Tensor gamma, WeightIf(context, "scale", "gamma", number, {channels}, 1));
  SLIPWAY_ASSIGN_OR_RETURN(Tensor beta, WeightIf(context, "center", "beta", number, {channels}, 0));
  // Channels to axis 1.
  const int64_t rank = context.rank();
  Ints there = {0, axes[0]}, back(static_cast<size_t>(rank));
  for (int64_t i = 1; i < rank; ++i) {
    if (i != axes[0]) there.push_back(i);
  }
  for (size_t i = 0; i < there.size(); ++i) back[static_cast<size_t>(there[i])] = static_cast<int64_t>(i);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, context.Transpose(context.in(), there));
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId y,
      context.Add(
          "GroupNormalization", {x, context.Const(std::move(gamma)), context.Const(std::move(beta))},
          {{"num_groups", groups}, {"epsilon", static_cast<float>(context.config().Real("epsilon", 1e-3))}}));
  return One(context.Transpose(y, back));
}

Result<Values> UnitNormalization(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Ints axes, ReadAxes(context, {-1}));
  return One(UnitLength(context, context.in(), axes));
}

// `values` along the axes kept, as the config or the weight has them, in a shape that broadcasts to x.
Result<Tensor> Moment(LayerContext& context, const Ints& kept, const char* name, int64_t number) {
  Dims broadcast(static_cast<size_t>(context.rank()), 1), own;
  int64_t count = 1;
  for (int64_t axis : kept) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(context.in(), axis));
    broadcast[static_cast<size_t>(axis)] = extent;
    own.push_back(extent);
  }
  const auto wanted = ElementCount(own);
  if (!wanted.ok()) return context.Error(wanted.status().message());
  count = *wanted;
  std::vector<double> values = context.config().Reals(name);
  if (values.empty()) {
    SLIPWAY_ASSIGN_OR_RETURN(const Tensor weight, context.Weight(name, number, own));
    return weight.Reshaped(broadcast);
  }
  if (values.size() == 1) return OfNumbers(values);
  if (static_cast<int64_t>(values.size()) != count)
    return context.Error("its " + std::string(name) + " has " + std::to_string(values.size()) +
                         " numbers, the input " + ToString(context.shape()) + " needs " +
                         std::to_string(count));
  return OfNumbers(values).Reshaped(broadcast);
}

// (x - mean) / max(sqrt(variance), 1e-7), or the way back.
Result<Values> Normalization(LayerContext& context) {
  const Json* given = context.config().Find("axis");
  Ints kept;
  // axis null: one mean for everything.
  if (given != nullptr) {
    SLIPWAY_ASSIGN_OR_RETURN(kept, ReadAxes(context, {}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(Tensor mean, Moment(context, kept, "mean", 0));
  SLIPWAY_ASSIGN_OR_RETURN(Tensor variance, Moment(context, kept, "variance", 1));
  Tensor deviation(DType::kF32, variance.dims());
  for (int64_t i = 0; i < variance.count(); ++i)
    deviation.as<float>()[i] = std::max(std::sqrt(variance.as<float>()[i]), 1e-7F);
  ValueId x = context.in();
  if (context.dtype(x) != DType::kF32) {
    SLIPWAY_ASSIGN_OR_RETURN(x, context.Add("Cast", {x}, {{"to", DType::kF32}}));
  }
  const ValueId center = context.Const(std::move(mean)), width = context.Const(std::move(deviation));
  if (context.config().Bool("invert", false)) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId scaled, context.Add("Mul", {x, width}));
    return One(context.Add("Add", {scaled, center}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId centered, context.Add("Sub", {x, center}));
  return One(context.Add("Div", {centered, width}));
}

constexpr std::array kLayers = {
    LayerDef{"BatchNormalization", BatchNormalization},
    LayerDef{"BatchNormalizationV1", BatchNormalization},
    LayerDef{"BatchNormalizationV2", BatchNormalization},
    LayerDef{"SyncBatchNormalization", BatchNormalization},
    LayerDef{"LayerNormalization", LayerNormalization},
    LayerDef{"RMSNormalization", RmsNormalization},
    LayerDef{"GroupNormalization", GroupNormalization},
    LayerDef{"UnitNormalization", UnitNormalization},
    LayerDef{"Normalization", Normalization},
};

}  // namespace

std::span<const LayerDef> NormalizationLayers() { return kLayers; }

}  // namespace slipway::keras
