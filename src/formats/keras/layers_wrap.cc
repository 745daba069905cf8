// Bidirectional, TimeDistributed and SpectralNormalization.
#include <array>

#include "formats/keras/recurrent.h"

namespace slipway::keras {
namespace {

const Json* InnerLayer(LayerContext& context) { return context.config().Find("layer"); }

Result<Values> Joined(LayerContext& context, ValueId forward, ValueId backward) {
  if (!context.config().Has("merge_mode")) return Values{forward, backward};
  const std::string mode = context.config().Text("merge_mode", "concat");
  if (mode == "concat") return One(context.Add("Concat", {forward, backward}, {{"axis", int64_t{-1}}}));
  if (mode == "mul") return One(context.Add("Mul", {forward, backward}));
  if (mode != "sum" && mode != "ave") return context.Error("its merge_mode is '" + mode + "'");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, context.Add("Add", {forward, backward}));
  return One(mode == "sum" ? Result<ValueId>(sum) : context.Affine(sum, 0.5, 0));
}

// The layer and the same from behind, each with weights and half the initial states of its own.
Result<Values> Bidirectional(LayerContext& context) {
  const Json* layer = InnerLayer(context);
  const Json* config = layer ? ConfigOf(*layer) : nullptr;
  if (config == nullptr || !config->is_object()) return context.Error("its config has no layer");
  Status error;
  const Config inner(config, error);
  const bool wants_all = inner.Bool("return_sequences", false);
  // Whatever the layer itself says, masked steps of sequences give 0.
  Json ahead = *layer;
  ahead["config"]["zero_output_for_mask"] = wants_all;
  Json opposite = ahead;
  opposite["config"]["go_backwards"] = !inner.Bool("go_backwards", false);
  const Json* given = context.config().Find("backward_layer");
  if (given != nullptr && Member(*given, "config") != nullptr && given->at("config").is_object()) {
    opposite = *given;
    opposite["config"]["zero_output_for_mask"] = wants_all;
  }
  if (!error.ok()) return context.Error(error.message());
  Values states = InitialStates(context);
  if (states.size() % 2 != 0) return context.Error("is handed an odd number of initial states");
  const auto half = states.begin() + static_cast<std::ptrdiff_t>(states.size() / 2);
  std::map<std::string, Values> of_forward, of_backward;
  if (!states.empty()) {
    of_forward["initial_state"] = Values(states.begin(), half);
    of_backward["initial_state"] = Values(half, states.end());
  }
  if (context.named("mask") != kNoValue) of_forward["mask"] = of_backward["mask"] = {context.named("mask")};
  SLIPWAY_ASSIGN_OR_RETURN(const Values forward,
                           context.Apply(ahead, "forward_*", {context.in()}, of_forward));
  SLIPWAY_ASSIGN_OR_RETURN(Values backward,
                           context.Apply(opposite, "backward_*", {context.in()}, of_backward));
  if (wants_all) {
    SLIPWAY_ASSIGN_OR_RETURN(backward[0], Reversed(context, backward[0]));
  }
  SLIPWAY_ASSIGN_OR_RETURN(Values results, Joined(context, forward[0], backward[0]));
  const ValueId mask = context.MaskOf(context.in());
  if (wants_all && mask != kNoValue) {
    for (ValueId result : results) context.SetMask(result, mask);
  }
  results.insert(results.end(), forward.begin() + 1, forward.end());
  results.insert(results.end(), backward.begin() + 1, backward.end());
  return results;
}

// The extents of `x` from axis `first` on.
Result<Ints> ExtentsFrom(LayerContext& context, ValueId x, int64_t first) {
  Ints extents;
  for (int64_t i = first; i < context.rank(x); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(x, i));
    extents.push_back(extent);
  }
  return extents;
}

// [N*T,...] to [N,T,...] of `like`.
Result<ValueId> SplitSteps(LayerContext& context, ValueId y, ValueId like) {
  SLIPWAY_ASSIGN_OR_RETURN(Ints rest, ExtentsFrom(context, y, 1));
  const Dim batch = context.shape(like)[0], steps = context.shape(like)[1];
  if (batch.IsKnown() || steps.IsKnown()) {
    Ints shape = {batch.IsKnown() ? batch.value() : -1, steps.IsKnown() ? steps.value() : -1};
    shape.insert(shape.end(), rest.begin(), rest.end());
    return context.Reshape(y, shape);
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId both,
                           context.Add("Shape", {like}, {{"start", int64_t{0}}, {"end", int64_t{2}}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId shape,
                           context.Add("Concat", {both, context.IntsOf(rest)}, {{"axis", int64_t{0}}}));
  return context.Add("Reshape", {y, shape});
}

// The layer on every step: batch and steps become one axis.
Result<Values> TimeDistributed(LayerContext& context) {
  const Json* layer = InnerLayer(context);
  if (layer == nullptr) return context.Error("its config has no layer");
  SLIPWAY_RETURN_IF_ERROR(context.CheckRank(2, 8));
  SLIPWAY_ASSIGN_OR_RETURN(Ints shape, ExtentsFrom(context, context.in(), 2));
  shape.insert(shape.begin(), -1);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId rows, context.Reshape(context.in(), shape));
  SLIPWAY_ASSIGN_OR_RETURN(const Values results, context.Apply(*layer, "", {rows}));
  if (results.size() != 1) return context.Unsupported("a layer of several outputs at every step");
  return One(SplitSteps(context, results[0], context.in()));
}

// The file's kernel is the normalised one; training alone changes it.
Result<Values> SpectralNormalization(LayerContext& context) {
  const Json* layer = InnerLayer(context);
  if (layer == nullptr) return context.Error("its config has no layer");
  if (context.options().Bool("training", false))
    return context.Unsupported("is called with training=True: it changes its weights",
                               "build the model without that argument");
  // Weights of its own stand beside the layer's.
  const Json* config = ConfigOf(*layer);
  const std::string name = config ? TextOf(*config, "name") : std::string();
  return context.Apply(*layer, context.IsKeras3() ? "layer|" + name : "", {context.in()});
}

constexpr std::array kLayers = {
    LayerDef{"Bidirectional", Bidirectional, 1, 5, MaskRule::kOwn},
    LayerDef{"TimeDistributed", TimeDistributed},
    LayerDef{"SpectralNormalization", SpectralNormalization},
};

}  // namespace

std::span<const LayerDef> WrapperLayers() { return kLayers; }

}  // namespace slipway::keras
