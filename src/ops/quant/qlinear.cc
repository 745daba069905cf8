#include "ops/quant/qlinear.h"

namespace slipway {
namespace {

// The reals behind inputs i (integers), i + 1 (scale) and i + 2 (zero point).
Result<ValueId> RealInput(ImportContext& context, size_t i) {
  return context.Add("DequantizeLinear", {context.in(i), context.in(i + 1), context.in(i + 2)},
                     {{"axis", int64_t{0}}});
}

// Quantises `value` by inputs i (scale) and i + 1 (zero point) into the node's output.
Status EmitQuantized(ImportContext& context, ValueId value, size_t i) {
  return context.Emit("QuantizeLinear", {value, context.in(i), context.in(i + 1)}, {{"axis", int64_t{0}}});
}

Status ImportBinary(ImportContext& context, const char* op) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId a, RealInput(context, 0));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId b, RealInput(context, 3));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId c, context.Add(op, {a, b}));
  return EmitQuantized(context, c, 6);
}

Status ImportUnary(ImportContext& context, const char* op, Attrs attrs) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, RealInput(context, 0));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add(op, {x}, std::move(attrs)));
  return EmitQuantized(context, y, 3);
}

// condition ? x : y, each side with its own scale.
Status ImportWhere(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, RealInput(context, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, RealInput(context, 4));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId z, context.Add("Where", {context.in(0), x, y}));
  return EmitQuantized(context, z, 7);
}

Status ImportReduceMean(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, RealInput(context, 0));
  const Ints& axes = context.attrs().IntList("axes");
  std::vector<ValueId> inputs = {x};
  if (!axes.empty()) inputs.push_back(context.ConstInts(axes));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("ReduceMean", std::move(inputs),
                                                        {{"keepdims", context.attrs().Int("keepdims", 1)}}));
  return EmitQuantized(context, y, 3);
}

// The product in integers, C (steps of a_scale * b_scale) added, then scaled; quantised where y has a scale.
Status ImportGemm(ImportContext& context) {
  const auto turned = [&](size_t i, const char* name) -> Result<ValueId> {
    if (context.attrs().Int(name) == 0) return context.in(i);
    return context.Transposed(context.in(i), {1, 0});
  };
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId a, turned(0, "transA"));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId b, turned(3, "transB"));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId sums, context.Add("MatMulInteger", {a, b, context.in(2), context.in(5)}));
  if (context.HasInput(6)) {
    SLIPWAY_ASSIGN_OR_RETURN(sums, context.Add("Add", {sums, context.in(6)}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId reals, context.Add("Cast", {sums}, {{"to", DType::kF32}}));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId scale, context.Add("Mul", {context.in(1), context.in(4)}));
  if (const float alpha = context.attrs().Float("alpha", 1.0F); alpha != 1.0F) {
    const ValueId factor = context.builder().Scalar(DType::kF32, static_cast<double>(alpha));
    SLIPWAY_ASSIGN_OR_RETURN(scale, context.Add("Mul", {scale, factor}));
  }
  if (!context.HasInput(7)) return context.Emit("Mul", {reals, scale});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("Mul", {reals, scale}));
  return EmitQuantized(context, y, 7);
}

std::string LayoutName(const ImportContext& context) {
  return context.attrs().Int("channels_last") != 0 ? "channels_last" : "channels_first";
}

Status ImportAveragePool(ImportContext& context) {
  Attrs attrs = {{"layout", LayoutName(context)}};
  for (const char* name :
       {"auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides", "dilations"}) {
    if (const Attr* attr = context.attrs().Find(name)) attrs.Set(name, *attr);
  }
  return ImportUnary(context, "AveragePool", std::move(attrs));
}

Status ImportConcat(ImportContext& context) {
  std::vector<ValueId> parts;
  for (size_t i = 2; i + 2 < context.num_inputs(); i += 3) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId part, RealInput(context, i));
    parts.push_back(part);
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId all,
                           context.Add("Concat", parts, {{"axis", context.attrs().Int("axis")}}));
  return EmitQuantized(context, all, 0);
}

}  // namespace

ForeignRows QLinearRows() {
  const auto row = [](const char* op, ImportFn import) {
    return ForeignRow{Format::kOnnx, op, 1, INT_MAX, import, "com.microsoft"};
  };
  return {row("QLinearAdd", [](ImportContext& context) { return ImportBinary(context, "Add"); }),
          row("QLinearMul", [](ImportContext& context) { return ImportBinary(context, "Mul"); }),
          row("QLinearSigmoid", [](ImportContext& context) { return ImportUnary(context, "Sigmoid", {}); }),
          row("QLinearLeakyRelu",
              [](ImportContext& context) {
                return ImportUnary(context, "LeakyRelu", {{"alpha", context.attrs().Float("alpha", 0.01F)}});
              }),
          row("QLinearSoftmax",
              [](ImportContext& context) {
                const bool is_old = context.attrs().Int("opset", 13) < 13;
                return ImportUnary(
                    context, "Softmax",
                    {{"axis", context.attrs().Int("axis", -1)}, {"coerce_2d", int64_t{is_old}}});
              }),
          row("QLinearGlobalAveragePool",
              [](ImportContext& context) {
                return ImportUnary(context, "GlobalAveragePool", {{"layout", LayoutName(context)}});
              }),
          row("QLinearAveragePool", ImportAveragePool),
          row("QLinearConcat", ImportConcat),
          row("QLinearWhere", ImportWhere),
          row("QLinearReduceMean", ImportReduceMean),
          row("QGemm", ImportGemm)};
}

}  // namespace slipway
