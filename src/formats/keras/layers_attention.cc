// Attention, AdditiveAttention, MultiHeadAttention and GroupedQueryAttention.
#include <array>

#include "formats/keras/layer_parts.h"

namespace slipway::keras {
namespace {

constexpr double kFarBelow = -1e9;  // what Keras adds to scores that are not to count

// Scores [N,Tq,Tv] less 1e9 where `seen` (bool, broadcasts) does not hold.
Result<ValueId> Hide(LayerContext& context, ValueId scores, ValueId seen) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId hidden, context.Add("Not", {seen}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId factor, context.Add("Cast", {hidden}, {{"to", DType::kF32}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId shift, context.Affine(factor, kFarBelow, 0));
  return context.Add("Add", {scores, shift});
}

// Query i sees values 0 to i.
Result<ValueId> HideLater(LayerContext& context, ValueId scores, ValueId query, ValueId value) {
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t rows, context.Extent(query, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t columns, context.Extent(value, 1));
  constexpr int64_t kMost = 1 << 12;
  if (rows > kMost || columns > kMost) return context.Unsupported("a causal mask of more than 4096 steps");
  Tensor seen(DType::kBool, {1, rows, columns});
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t k = 0; k < columns; ++k) seen.as<bool>()[i * columns + k] = k <= i;
  }
  return Hide(context, scores, context.Const(std::move(seen)));
}

enum class Score { kDot, kConcat, kAdditive };

// sum over the depth of scale * tanh(query_i + key_j).
Result<ValueId> SumScores(LayerContext& context, ValueId query, ValueId key, ValueId scale, bool scales_sum) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId rows, context.Add("Unsqueeze", {query, context.IntsOf({2})}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId columns, context.Add("Unsqueeze", {key, context.IntsOf({1})}));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId sum, context.Add("Add", {rows, columns}));
  if (scale != kNoValue && scales_sum) {
    SLIPWAY_ASSIGN_OR_RETURN(sum, context.Add("Mul", {sum, scale}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(sum, context.Add("Tanh", {sum}));
  if (scale != kNoValue && !scales_sum) {
    SLIPWAY_ASSIGN_OR_RETURN(sum, context.Add("Mul", {sum, scale}));
  }
  return Reduce(context, "ReduceSum", sum, {-1}, false);
}

Result<ValueId> Scores(LayerContext& context, Score score, ValueId query, ValueId key) {
  if (score == Score::kAdditive) {
    ValueId scale = kNoValue;
    if (context.config().Bool("use_scale", true)) {
      SLIPWAY_ASSIGN_OR_RETURN(Tensor weight, context.Weight("scale", 0, {ExtentOrAny(context, query, 2)}));
      scale = context.Const(std::move(weight));
    }
    return SumScores(context, query, key, scale, false);
  }
  const bool has_scale = context.config().Bool("use_scale", false);
  ValueId scale = kNoValue;
  if (has_scale) {
    SLIPWAY_ASSIGN_OR_RETURN(Tensor weight, context.Weight("scale", 0, {}));
    scale = context.Const(std::move(weight));
  }
  if (score == Score::kConcat) {
    SLIPWAY_ASSIGN_OR_RETURN(Tensor weight, context.Weight("concat_score_weight", has_scale ? 1 : 0, {}));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId scores, SumScores(context, query, key, scale, true));
    return context.Add("Mul", {scores, context.Const(std::move(weight))});
  }
  SLIPWAY_ASSIGN_OR_RETURN(ValueId scores,
                           context.Add("MatMul", {query, key}, {{"transpose_b", int64_t{1}}}));
  if (scale == kNoValue) return scores;
  return context.Add("Mul", {scores, scale});
}

// Inputs: query, value and, where it is another, key. Masks: of the query, of the value.
Result<Values> DotAttention(LayerContext& context, Score score) {
  const ValueId query = context.in(0), value = context.in(1);
  const ValueId key = context.num_inputs() > 2 ? context.in(2) : value;
  SLIPWAY_RETURN_IF_ERROR(context.CheckRank(3, 3));
  if (context.rank(value) != 3 || context.rank(key) != 3)
    return context.Error("its value and key must have 3 axes");
  SLIPWAY_ASSIGN_OR_RETURN(ValueId scores, Scores(context, score, query, key));
  const Values& masks = context.NamedList("mask");
  const ValueId query_mask = masks.size() == 2 ? masks[0] : context.MaskOf(query);
  const ValueId value_mask = masks.size() == 2 ? masks[1] : context.MaskOf(value);
  if (masks.size() == 1) return context.Unsupported("one mask of two", "give a mask for query and value");
  if (value_mask != kNoValue) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId seen, context.Add("Unsqueeze", {value_mask, context.IntsOf({1})}));
    SLIPWAY_ASSIGN_OR_RETURN(scores, Hide(context, scores, seen));
  }
  // Keras 2 before 2.10 has it in the config.
  if (context.options().Bool("use_causal_mask", context.config().Bool("causal", false))) {
    SLIPWAY_ASSIGN_OR_RETURN(scores, HideLater(context, scores, query, value));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId weights, context.Add("Softmax", {scores}));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId y, context.Add("MatMul", {weights, value}));
  if (query_mask != kNoValue) {
    SLIPWAY_ASSIGN_OR_RETURN(ValueId kept, context.Add("Cast", {query_mask}, {{"to", DType::kF32}}));
    SLIPWAY_ASSIGN_OR_RETURN(kept, context.Add("Unsqueeze", {kept, context.IntsOf({2})}));
    SLIPWAY_ASSIGN_OR_RETURN(y, context.Add("Mul", {y, kept}));
    context.SetMask(y, query_mask);
  }
  Values results = {y};
  if (context.options().Bool("return_attention_scores", false)) results.push_back(weights);
  return results;
}

Result<Values> Attention(LayerContext& context) {
  const std::string mode = context.config().Text("score_mode", "dot");
  if (mode != "dot" && mode != "concat") return context.Error("its score_mode is '" + mode + "'");
  return DotAttention(context, mode == "dot" ? Score::kDot : Score::kConcat);
}

Result<Values> AdditiveAttention(LayerContext& context) { return DotAttention(context, Score::kAdditive); }

// --- Of several heads ---

struct Heads {
  int64_t query = 0, key = 0;          // how many
  int64_t depth = 0, value_depth = 0;  // of one
  const char* inner[4] = {"query|query_dense|_query_dense", "key|key_dense|_key_dense",
                          "value|value_dense|_value_dense", "attention_output|output_dense|_output_dense"};
};

// x [N,T,D] times the kernel [D,heads,depth]: [N,T,heads*depth].
Result<ValueId> Project(LayerContext& context, ValueId x, const char* inner, int64_t heads, int64_t depth) {
  if (heads < 1 || depth < 1 || heads > (1 << 20) || depth > (1 << 20))
    return context.Error("it has " + std::to_string(heads) + " heads of depth " + std::to_string(depth));
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor kernel,
                           context.Weight("kernel", 0, {ExtentOrAny(context, x, 2), heads, depth}, {inner}));
  SLIPWAY_ASSIGN_OR_RETURN(
      ValueId y,
      context.Add("MatMul", {x, context.Const(kernel.Reshaped({kernel.dims()[0], heads * depth}))}));
  if (!context.config().Bool("use_bias", true)) return y;
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor bias, context.Weight("bias", 1, {heads, depth}, {inner}));
  return context.Add("Add", {y, context.Const(bias.Reshaped({heads * depth}))});
}

// [N,Tq,heads*depth] times the kernel [heads,depth,out].
Result<ValueId> ProjectBack(LayerContext& context, ValueId x, const Heads& heads) {
  SLIPWAY_ASSIGN_OR_RETURN(
      const Tensor kernel,
      context.Weight("kernel", 0, {heads.query, heads.value_depth, kAny}, {heads.inner[3]}));
  const int64_t out = kernel.dims()[2];
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId y,
      context.Add("MatMul", {x, context.Const(kernel.Reshaped({heads.query * heads.value_depth, out}))}));
  if (!context.config().Bool("use_bias", true)) return y;
  SLIPWAY_ASSIGN_OR_RETURN(Tensor bias, context.Weight("bias", 1, {out}, {heads.inner[3]}));
  return context.Add("Add", {y, context.Const(std::move(bias))});
}

// Which scores count: the mask of the values (or keys) and the call's attention_mask; kNoValue: all.
Result<ValueId> SeenMask(LayerContext& context, ValueId query, ValueId value, ValueId key) {
  ValueId seen = context.named("attention_mask");
  if (seen != kNoValue) {
    if (context.dtype(seen) != DType::kBool) {
      SLIPWAY_ASSIGN_OR_RETURN(seen, context.Add("Cast", {seen}, {{"to", DType::kBool}}));
    }
    if (context.rank(seen) == 3) {
      SLIPWAY_ASSIGN_OR_RETURN(seen, context.Add("Unsqueeze", {seen, context.IntsOf({1})}));
    }
  }
  const auto join = [&](ValueId mask, int64_t axis) -> Status {
    if (mask == kNoValue) return Status::Ok();
    SLIPWAY_ASSIGN_OR_RETURN(mask, context.Add("Unsqueeze", {mask, context.IntsOf({1, axis})}));
    if (seen == kNoValue) {
      seen = mask;
      return Status::Ok();
    }
    SLIPWAY_ASSIGN_OR_RETURN(seen, context.Add("And", {seen, mask}));
    return Status::Ok();
  };
  const auto mask_of = [&](const char* name, ValueId of) {
    const ValueId given = context.named(name);
    return given != kNoValue ? given : context.MaskOf(of);
  };
  const ValueId value_mask = mask_of("value_mask", value);
  SLIPWAY_RETURN_IF_ERROR(join(value_mask, 2));
  const ValueId key_mask = mask_of("key_mask", key);
  if (key_mask != value_mask) SLIPWAY_RETURN_IF_ERROR(join(key_mask, 2));
  SLIPWAY_RETURN_IF_ERROR(join(mask_of("query_mask", query), 3));
  return seen;
}

Result<Values> OfHeads(LayerContext& context, const Heads& heads) {
  // Keras 2 hands value and key over by name.
  const ValueId query = context.in(0);
  const ValueId value = context.num_inputs() > 1 ? context.in(1) : context.named("value");
  ValueId key = context.num_inputs() > 2 ? context.in(2) : context.named("key");
  if (key == kNoValue) key = value;
  if (value == kNoValue) return context.Error("is called without a value");
  SLIPWAY_RETURN_IF_ERROR(context.CheckRank(3, 3));
  if (context.rank(value) != 3 || context.rank(key) != 3)
    return context.Unsupported("attention over several axes", "inputs [N,steps,depth] are read");
  if (context.config().Has("sliding_window") || context.config().Bool("use_gate", false))
    return context.Unsupported("sliding_window and use_gate");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId q,
                           Project(context, query, heads.inner[0], heads.query, heads.depth));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId k, Project(context, key, heads.inner[1], heads.key, heads.depth));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId v,
                           Project(context, value, heads.inner[2], heads.key, heads.value_depth));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId seen, SeenMask(context, query, value, key));
  const Attrs attrs = {{"q_num_heads", heads.query},
                       {"kv_num_heads", heads.key},
                       {"is_causal", int64_t{context.options().Bool("use_causal_mask", false)}},
                       {"qk_matmul_output_mode", int64_t{3}}};
  Values inputs = {q, k, v};
  if (seen != kNoValue) inputs.push_back(seen);
  const bool wants_scores = context.options().Bool("return_attention_scores", false);
  Node node;
  node.op = "Attention";
  node.name = context.FullName() + "/Attention";
  node.inputs = inputs;
  node.attrs = attrs;
  std::vector<GraphBuilder::Output> outputs = {{node.name, {}, {}, false}};
  if (wants_scores) {
    outputs.push_back({"", {}, {}, true});
    outputs.push_back({"", {}, {}, true});
    outputs.push_back({node.name + ":1", {}, {}, false});
  }
  auto made = context.builder().Add(std::move(node), std::move(outputs));
  if (!made.ok()) return context.Error(made.status().message(), made.status().hint());
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, ProjectBack(context, (*made)[0], heads));
  if (const ValueId mask = context.MaskOf(query); mask != kNoValue) context.SetMask(y, mask);
  Values results = {y};
  if (wants_scores) results.push_back(made->back());
  return results;
}

Result<Values> MultiHeadAttention(LayerContext& context) {
  Heads heads;
  heads.query = heads.key = context.config().Int("num_heads", 0);
  heads.depth = context.config().Int("key_dim", 0);
  heads.value_depth = context.config().Int("value_dim", heads.depth);
  return OfHeads(context, heads);
}

Result<Values> GroupedQueryAttention(LayerContext& context) {
  Heads heads;
  heads.query = context.config().Int("num_query_heads", 0);
  heads.key = context.config().Int("num_key_value_heads", 0);
  heads.depth = heads.value_depth = context.config().Int("head_dim", 0);
  if (heads.key < 1 || heads.query % heads.key != 0)
    return context.Error("its " + std::to_string(heads.key) + " key heads do not divide the " +
                         std::to_string(heads.query) + " query heads");
  return OfHeads(context, heads);
}

constexpr std::array kLayers = {
    LayerDef{"Attention", Attention, 2, 3, MaskRule::kOwn},
    LayerDef{"AdditiveAttention", AdditiveAttention, 2, 3, MaskRule::kOwn},
    LayerDef{"MultiHeadAttention", MultiHeadAttention, 1, 3, MaskRule::kOwn},
    LayerDef{"GroupedQueryAttention", GroupedQueryAttention, 1, 3, MaskRule::kOwn},
    LayerDef{"GroupQueryAttention", GroupedQueryAttention, 1, 3, MaskRule::kOwn},
};

}  // namespace

std::span<const LayerDef> AttentionLayers() { return kLayers; }

}  // namespace slipway::keras
