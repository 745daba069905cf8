// Gelu with a bias, matrix products with a scale, transposes or quantised operands, and convolutions with an
// activation or channels last.
#include "ops/contrib/contrib.h"

namespace slipway {
namespace {

Status FinishGelu(ImportContext& context, const char* approximate) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, Plus(context, context.in(0), context.in(1)));
  return Finish(context, "Gelu", {sum}, {{"approximate", std::string(approximate)}}, {0});
}

// x + bias in two halves: left * gelu(right).
Status ImportBiasSplitGelu(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, Plus(context, context.in(0), context.in(1)));
  const auto width = KnownExtent(context, sum, -1);
  if (!width) return context.Unsupported("the last extent must be known");
  if (*width % 2 != 0) return context.Error("the last extent, " + std::to_string(*width) + ", must be even");
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> halves,
                           SplitInto(context, sum, -1, {*width / 2, *width / 2}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId gate, context.Add("Gelu", {halves[1]}));
  return Finish(context, "Mul", {halves[0], gate}, {}, {0});
}

// transBatch: [d0,d1,...,m,k] with its first axis moved before the last one.
Result<ValueId> BatchTurned(ImportContext& context, size_t i, const char* attribute) {
  if (context.attrs().Int(attribute) == 0) return context.in(i);
  SLIPWAY_ASSIGN_OR_RETURN(const size_t rank, RankOf(context, i));
  if (rank < 3) return context.in(i);
  Ints permutation;
  for (size_t axis = 1; axis + 1 < rank; ++axis) permutation.push_back(static_cast<int64_t>(axis));
  permutation.push_back(0);
  permutation.push_back(static_cast<int64_t>(rank) - 1);
  return context.Transposed(context.in(i), permutation);
}

Status ImportFusedMatMul(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId a, BatchTurned(context, 0, "transBatchA"));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId b, BatchTurned(context, 1, "transBatchB"));
  const Attrs attrs = {{"transpose_a", int64_t{context.attrs().Int("transA") != 0}},
                       {"transpose_b", int64_t{context.attrs().Int("transB") != 0}}};
  const float alpha = context.attrs().Float("alpha", 1.0F);
  if (alpha == 1.0F) return Finish(context, "MatMul", {a, b}, attrs, {0});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("MatMul", {a, b}, attrs));
  return Finish(context, "Mul", {y, ScalarLike(context, y, static_cast<double>(alpha))}, {}, {0});
}

Status ImportFusedGemm(ImportContext& context) {
  const Attrs& given = context.attrs();
  Floats parameters;
  for (const char* name : {"activation_alpha", "activation_beta", "activation_gamma"}) {
    if (given.Has(name)) parameters.push_back(given.Float(name));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const FusedActivation activation, ReadFusedActivation(context, parameters));
  const Attrs attrs = {{"alpha", given.Float("alpha", 1.0F)},
                       {"beta", given.Float("beta", 1.0F)},
                       {"transA", given.Int("transA")},
                       {"transB", given.Int("transB")}};
  std::vector<ValueId> inputs = {context.in(0), context.in(1)};
  if (context.HasInput(2)) inputs.push_back(context.in(2));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("Gemm", std::move(inputs), attrs));
  return FinishActivated(context, y, activation);
}

Status ImportMatMulIntegerToFloat(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId y, AddIntegerProduct(context, {context.in(0), context.in(1), context.in(2), context.in(3),
                                                   context.in(4), context.in(5), context.in(6)}));
  context.Bind(0, y);
  return Status::Ok();
}

Status ImportDynamicQuantizeMatMul(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> a,
                           AddMany(context, "DynamicQuantizeLinear", {context.in(0)}, {}, 3));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y,
                           AddIntegerProduct(context, {a[0], context.in(1), a[1], context.in(2), a[2],
                                                       context.in(3), context.in(4)}));
  context.Bind(0, y);
  return Status::Ok();
}

Attrs WindowOf(const ImportContext& context) {
  Attrs attrs;
  for (const char* name : {"auto_pad", "dilations", "group", "pads", "strides"}) {
    if (const Attr* attr = context.attrs().Find(name)) attrs.Set(name, *attr);
  }
  return attrs;
}

// Conv, then a residual (input 3), then the activation.
Status FinishConv(ImportContext& context, ValueId weights, Attrs attrs) {
  SLIPWAY_ASSIGN_OR_RETURN(const FusedActivation activation,
                           ReadFusedActivation(context, context.attrs().FloatList("activation_params")));
  const std::vector<ValueId> inputs = {context.in(0), weights, context.in(2)};
  if (activation.op.empty() && !context.HasInput(3))
    return Finish(context, "Conv", inputs, std::move(attrs), {0});
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> conv,
                           AddMany(context, "Conv", inputs, std::move(attrs), 1));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, Plus(context, conv[0], context.in(3)));
  return FinishActivated(context, sum, activation);
}

Status ImportFusedConv(ImportContext& context) {
  return FinishConv(context, context.in(1), WindowOf(context));
}

// x: [N,spatial...,C]; the weights stay [O,C,spatial...] in the model and become [O,spatial...,C].
Status ImportNhwcConv(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const size_t rank, RankOf(context, 1));
  if (rank < 3) return context.Error("the weights must have rank 3 or more");
  Ints permutation = {0};
  for (size_t axis = 2; axis < rank; ++axis) permutation.push_back(static_cast<int64_t>(axis));
  permutation.push_back(1);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId weights, context.Transposed(context.in(1), permutation));
  Attrs attrs = WindowOf(context);
  attrs.Set("layout", std::string("channels_last"));
  return FinishConv(context, weights, std::move(attrs));
}

}  // namespace

ForeignRows ContribGeluRows() {
  return {ContribRow("BiasGelu", [](ImportContext& context) { return FinishGelu(context, "none"); }),
          ContribRow("FastGelu", [](ImportContext& context) { return FinishGelu(context, "tanh"); }),
          ContribRow("BiasSplitGelu", ImportBiasSplitGelu)};
}

ForeignRows ContribMatMulRows() {
  return {ContribRow("FusedMatMul", ImportFusedMatMul), ContribRow("TransposeMatMul", ImportFusedMatMul)};
}

ForeignRows ContribGemmRows() { return {ContribRow("FusedGemm", ImportFusedGemm)}; }

ForeignRows ContribMatMulIntegerRows() {
  return {ContribRow("MatMulIntegerToFloat", ImportMatMulIntegerToFloat),
          ContribRow("DynamicQuantizeMatMul", ImportDynamicQuantizeMatMul)};
}

ForeignRows ContribConvRows() {
  return {ContribRow("FusedConv", ImportFusedConv), ContribRow("NhwcConv", ImportNhwcConv),
          ContribRow("NhwcFusedConv", ImportNhwcConv)};
}

}  // namespace slipway
