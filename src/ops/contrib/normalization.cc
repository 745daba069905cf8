// Normalisations with a sum or a look-up before them, and GroupNorm with its layout and activation.
#include "ops/contrib/contrib.h"

namespace slipway {
namespace {

// The sum behind output 3, and what is normalised.
Result<ValueId> SkipSum(ImportContext& context, size_t bias) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, context.Add("Add", {context.in(0), context.in(1)}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId all, Plus(context, sum, context.in(bias)));
  if (WantsOutput(context, 3)) context.Bind(3, all);
  return all;
}

Attrs Epsilon(const ImportContext& context, float otherwise) {
  return {{"axis", int64_t{-1}}, {"epsilon", context.attrs().Float("epsilon", otherwise)}};
}

Status ImportSkipLayer(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, SkipSum(context, 4));
  return Finish(context, "LayerNormalization", {sum, context.in(2), context.in(3)}, Epsilon(context, 1e-12F),
                {0, 1, 2});
}

Status ImportSkipRms(ImportContext& context) {
  if (WantsOutput(context, 1) || WantsOutput(context, 2)) {
    return context.Unsupported("the moments as outputs are for training");
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, SkipSum(context, 3));
  return Finish(context, "RMSNormalization", {sum, context.in(2)}, Epsilon(context, 1e-12F), {0});
}

// The first rows of the table of positions, as many as a sequence has; or those that position_ids names.
Result<ValueId> PositionRows(ImportContext& context) {
  const ValueId table = context.in(3);
  if (context.HasInput(8)) return context.Add("Gather", {table, context.in(8)}, {{"axis", int64_t{0}}});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId length, ExtentOf(context, context.in(0), 1));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId end, context.Add("Unsqueeze", {length, context.ConstInts({0})}));
  return context.Add("Slice", {table, context.ConstInts({0}), end, context.ConstInts({0})});
}

// How many entries of every row of the mask are 1; without a mask 0.
Status BindMaskIndex(ImportContext& context) {
  if (!WantsOutput(context, 1)) return Status::Ok();
  const auto number = [&](DType dtype, double value) { return context.builder().Scalar(dtype, value); };
  const ValueId mask = context.HasInput(7) ? context.in(7) : context.in(0);
  const DType dtype = context.type(mask).dtype;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId is_one, context.Add("Equal", {mask, number(dtype, 1)}));
  const double counted = context.HasInput(7) ? 1 : 0;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId ones, context.Add("Where", {is_one, number(DType::kI32, counted),
                                                                     number(DType::kI32, 0)}));
  return Finish(context, "ReduceSum", {ones, context.ConstInts({1})}, {{"keepdims", int64_t{0}}}, {1});
}

Status ImportEmbedLayer(ImportContext& context) {
  const Attrs rows = {{"axis", int64_t{0}}};
  SLIPWAY_ASSIGN_OR_RETURN(ValueId sum, context.Add("Gather", {context.in(2), context.in(0)}, rows));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId positions, PositionRows(context));
  SLIPWAY_ASSIGN_OR_RETURN(sum, context.Add("Add", {sum, positions}));
  if (context.HasInput(4)) {
    if (!context.HasInput(1)) return context.Error("segment_embedding without segment_ids");
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId segment,
                             context.Add("Gather", {context.in(4), context.in(1)}, rows));
    SLIPWAY_ASSIGN_OR_RETURN(sum, context.Add("Add", {sum, segment}));
  }
  if (WantsOutput(context, 2)) context.Bind(2, sum);
  SLIPWAY_RETURN_IF_ERROR(BindMaskIndex(context));
  return Finish(context, "LayerNormalization", {sum, context.in(5), context.in(6)}, Epsilon(context, 1e-12F),
                {0});
}

// Channels last or first around GroupNormalization, whose channels stand second.
Status FinishGroupNorm(ImportContext& context, ValueId x, size_t gamma) {
  const bool is_last = context.attrs().Int("channels_last", 1) != 0;
  if (is_last) {
    SLIPWAY_ASSIGN_OR_RETURN(x, context.Transposed(x, {0, 3, 1, 2}));
  }
  const DType dtype = context.type(x).dtype;
  std::vector<ValueId> operands = {x};
  for (size_t i = gamma; i < gamma + 2; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId parameter, context.Add("Cast", {context.in(i)}, {{"to", dtype}}));
    operands.push_back(parameter);
  }
  SLIPWAY_ASSIGN_OR_RETURN(ValueId y, context.Add("GroupNormalization", operands,
                                                  {{"num_groups", context.attrs().Int("groups", 1)},
                                                   {"epsilon", context.attrs().Float("epsilon", 1e-5F)}}));
  if (is_last) {
    SLIPWAY_ASSIGN_OR_RETURN(y, context.Add("Transpose", {y}, {{"perm", Ints{0, 2, 3, 1}}}));
  }
  const bool has_silu = context.attrs().Int("activation") == 1;
  return FinishActivated(context, y, {has_silu ? "Swish" : "", {}});
}

Status ImportGroupNorm(ImportContext& context) { return FinishGroupNorm(context, context.in(0), 1); }

// skip: the shape of x, [N,1,1,C] or [N,C]; bias: [C].
Status ImportSkipGroupNorm(ImportContext& context) {
  const bool is_last = context.attrs().Int("channels_last", 1) != 0;
  const Ints pixels = is_last ? Ints{1, 2} : Ints{2, 3};
  SLIPWAY_ASSIGN_OR_RETURN(const size_t rank, RankOf(context, 3));
  ValueId skip = context.in(3);
  if (rank == 2) {
    SLIPWAY_ASSIGN_OR_RETURN(skip, context.Add("Unsqueeze", {skip, context.ConstInts(pixels)}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(ValueId sum, context.Add("Add", {context.in(0), skip}));
  ValueId bias = context.in(4);
  if (bias != kNoValue && !is_last) {
    SLIPWAY_ASSIGN_OR_RETURN(bias, context.Add("Unsqueeze", {bias, context.ConstInts({1, 2})}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(sum, Plus(context, sum, bias));
  if (WantsOutput(context, 1)) context.Bind(1, sum);
  return FinishGroupNorm(context, sum, 1);
}

}  // namespace

ForeignRows ContribLayerNormalizationRows() {
  return {ContribRow("SkipLayerNormalization", ImportSkipLayer),
          ContribRow("EmbedLayerNormalization", ImportEmbedLayer)};
}

ForeignRows ContribRmsNormalizationRows() {
  return {ContribRow("SkipSimplifiedLayerNormalization", ImportSkipRms)};
}

ForeignRows ContribGroupNormalizationRows() {
  return {ContribRow("GroupNorm", ImportGroupNorm), ContribRow("SkipGroupNorm", ImportSkipGroupNorm)};
}

}  // namespace slipway
