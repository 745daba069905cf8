#include "ops/contrib/contrib.h"

namespace slipway {

ForeignRow ContribRow(const char* op, ImportFn import) {
  return ForeignRow{Format::kOnnx, op, 1, INT_MAX, import, "com.microsoft"};
}

Result<std::vector<ValueId>> AddMany(ImportContext& context, const char* op, std::vector<ValueId> inputs,
                                     Attrs attrs, size_t count) {
  Node node;
  node.op = op;
  node.name = context.node().name + "/" + op;
  node.inputs = std::move(inputs);
  node.attrs = std::move(attrs);
  while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
  std::vector<GraphBuilder::Output> outputs(count);
  for (GraphBuilder::Output& output : outputs) output.name = node.name;
  return context.builder().Add(std::move(node), std::move(outputs));
}

bool WantsOutput(const ImportContext& context, size_t i) {
  return i < context.node().outputs.size() && !context.node().outputs[i].name.empty();
}

Status Finish(ImportContext& context, const char* op, std::vector<ValueId> inputs, Attrs attrs,
              const std::vector<size_t>& outputs) {
  Node node;
  node.op = op;
  node.name = context.node().name;
  node.inputs = std::move(inputs);
  node.attrs = std::move(attrs);
  while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
  std::vector<GraphBuilder::Output> declared;
  for (size_t i : outputs) {
    if (!WantsOutput(context, i)) {
      declared.push_back({{}, {}, {}, true});
      continue;
    }
    const Value& output = context.node().outputs[i];
    declared.push_back({output.name, output.quant, output.type, false});
  }
  while (!declared.empty() && declared.back().is_left_out) declared.pop_back();
  const size_t count = declared.size();
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> values,
                           context.builder().Add(std::move(node), std::move(declared)));
  for (size_t k = 0; k < count; ++k) {
    if (outputs[k] != kNotGiven) context.Bind(outputs[k], values[k]);
  }
  return Status::Ok();
}

Result<std::vector<ValueId>> SplitInto(ImportContext& context, ValueId x, int64_t axis, const Ints& extents) {
  return AddMany(context, "Split", {x, context.ConstInts(extents)}, {{"axis", axis}}, extents.size());
}

Result<ValueId> Plus(ImportContext& context, ValueId x, ValueId addend) {
  if (addend == kNoValue) return x;
  return x == kNoValue ? addend : context.Add("Add", {x, addend});
}

std::optional<int64_t> KnownExtent(const ImportContext& context, ValueId x, int64_t axis) {
  if (x == kNoValue || !context.type(x).shape) return std::nullopt;
  const DimList& shape = *context.type(x).shape;
  const int64_t at = axis < 0 ? axis + static_cast<int64_t>(shape.size()) : axis;
  if (at < 0 || at >= static_cast<int64_t>(shape.size())) return std::nullopt;
  const Dim& dim = shape[static_cast<size_t>(at)];
  return dim.IsKnown() ? std::optional(dim.value()) : std::nullopt;
}

Result<ValueId> ExtentOf(ImportContext& context, ValueId x, int64_t axis) {
  if (const auto known = KnownExtent(context, x, axis)) return Number(context, *known);
  Attrs attrs = {{"start", axis}};
  if (axis != -1) attrs.Set("end", axis + 1);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId extent, context.Add("Shape", {x}, std::move(attrs)));
  return context.Add("Squeeze", {extent, context.ConstInts({0})});
}

Result<size_t> RankOf(const ImportContext& context, size_t i) {
  const Type& type = context.type(context.in(i));
  if (type.shape) return type.shape->size();
  return context.Unsupported("the rank of input " + std::to_string(i) + " must be known",
                             "run ONNX's shape inference over the model first");
}

ValueId Number(ImportContext& context, int64_t value) {
  return context.builder().Scalar(DType::kI64, static_cast<double>(value));
}

ValueId ScalarLike(ImportContext& context, ValueId x, double value) {
  return context.builder().Scalar(context.type(x).dtype, value);
}

Status RefuseInput(const ImportContext& context, size_t i, const char* name) {
  if (!context.HasInput(i)) return Status::Ok();
  return context.Unsupported(std::string("input '") + name + "' is not supported");
}

Status RefuseAttribute(const ImportContext& context, const char* name) {
  if (context.attrs().Int(name) == 0) return Status::Ok();
  return context.Unsupported(std::string("attribute '") + name + "' is " +
                             std::to_string(context.attrs().Int(name)) + "; only 0 is supported");
}

Result<ValueId> AddIntegerProduct(ImportContext& context, const IntegerProduct& product) {
  std::vector<ValueId> inputs = {product.a, product.b, product.a_zero, product.b_zero};
  while (inputs.back() == kNoValue) inputs.pop_back();
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sums, context.Add("MatMulInteger", std::move(inputs)));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId scale, context.Add("Mul", {product.a_scale, product.b_scale}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId reals,
                           context.Add("Cast", {sums}, {{"to", context.type(product.b_scale).dtype}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId scaled, context.Add("Mul", {reals, scale}));
  return Plus(context, scaled, product.bias);
}

Result<FusedActivation> ReadFusedActivation(const ImportContext& context, const Floats& parameters) {
  const std::string name = context.attrs().String("activation");
  if (name.empty()) return FusedActivation{};
  const auto parameter = [&](size_t i, float otherwise) {
    return i < parameters.size() ? parameters[i] : otherwise;
  };
  for (const char* plain : {"Relu", "Tanh", "Sigmoid", "Softplus", "Softsign"}) {
    if (name == plain) return FusedActivation{name, {}};
  }
  if (name == "LeakyRelu") return FusedActivation{name, {{"alpha", parameter(0, 0.01F)}}};
  if (name == "Elu" || name == "ThresholdedRelu")
    return FusedActivation{name, {{"alpha", parameter(0, 1.0F)}}};
  if (name == "HardSigmoid") {
    return FusedActivation{name, {{"alpha", parameter(0, 0.2F)}, {"beta", parameter(1, 0.5F)}}};
  }
  const bool is_clip = name == "Clip" && parameters.size() == 2;
  if (is_clip) return FusedActivation{name, {{"min", parameters[0]}, {"max", parameters[1]}}};
  return context.Unsupported("activation '" + name + "' is not supported");
}

Status FinishActivated(ImportContext& context, ValueId value, const FusedActivation& activation) {
  if (activation.op == "Clip") {
    return Finish(context, "Clip",
                  {value, ScalarLike(context, value, static_cast<double>(activation.attrs.Float("min"))),
                   ScalarLike(context, value, static_cast<double>(activation.attrs.Float("max")))},
                  {}, {0});
  }
  if (!activation.op.empty()) return Finish(context, activation.op.c_str(), {value}, activation.attrs, {0});
  context.Bind(0, value);
  return Status::Ok();
}

}  // namespace slipway
