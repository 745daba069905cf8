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

std::vector<ForeignRow> QLinearRows() {
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
          row("QLinearConcat", ImportConcat)};
}

}  // namespace slipway
