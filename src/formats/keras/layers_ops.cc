// Functions of keras.ops that stand in a functional model as layers (Keras 3): x / 255, masks, ...
#include <array>

#include "formats/keras/layer_parts.h"

namespace slipway::keras {
namespace {

// The call's argument i: a tensor, or a number of the other's type.
Result<ValueId> Operand(LayerContext& context, size_t i, size_t& next_input) {
  const Arguments& arguments = context.call().inputs;
  if (i >= arguments.size())
    return context.Error("is called with " + std::to_string(arguments.size()) + " arguments");
  if (arguments[i].tensor) return context.in(next_input++);
  const Json& constant = arguments[i].constant;
  if (!constant.is_number() && !constant.is_boolean())
    return context.Unsupported("an argument that is no tensor and no number");
  const double value = constant.is_boolean() ? (constant.get<bool>() ? 1.0 : 0.0) : constant.get<double>();
  return context.builder().Scalar(context.dtype(context.in(0)), value);
}

template <const char* op>
Result<Values> Binary(LayerContext& context) {
  size_t next_input = 0;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId a, Operand(context, 0, next_input));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId b, Operand(context, 1, next_input));
  return One(context.Add(op, {a, b}));
}

template <const char* op>
Result<Values> Unary(LayerContext& context) {
  return One(context.Add(op, {context.in()}));
}

// Over the config's axis, or all of them.
template <const char* op>
Result<Values> Reduction(LayerContext& context) {
  Values inputs = {context.in()};
  const Ints axes = context.config().IntList("axis");
  if (!axes.empty()) inputs.push_back(context.IntsOf(axes));
  return One(context.Add(op, inputs, {{"keepdims", int64_t{context.config().Bool("keepdims", false)}}}));
}

constexpr char kAdd[] = "Add", kSub[] = "Sub", kMul[] = "Mul", kDiv[] = "Div", kPow[] = "Pow", kMax[] = "Max",
               kMin[] = "Min", kNotEqual[] = "NotEqual", kEqual[] = "Equal", kGreater[] = "Greater",
               kLess[] = "Less", kAnd[] = "And", kOr[] = "Or", kNot[] = "Not", kAbs[] = "Abs", kNeg[] = "Neg",
               kExp[] = "Exp", kLog[] = "Log", kSqrt[] = "Sqrt", kRsqrt[] = "Rsqrt", kSquare[] = "Square",
               kTanh[] = "Tanh", kSigmoid[] = "Sigmoid", kRelu[] = "Relu", kSin[] = "Sin", kCos[] = "Cos",
               kMatMul[] = "MatMul", kAnyOf[] = "ReduceAny", kAll[] = "ReduceAll", kSum[] = "ReduceSum",
               kMean[] = "ReduceMean", kLargest[] = "ReduceMax", kSmallest[] = "ReduceMin";

constexpr std::array kLayers = {
    LayerDef{"ops.Add", Binary<kAdd>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Subtract", Binary<kSub>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Multiply", Binary<kMul>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Divide", Binary<kDiv>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.TrueDivide", Binary<kDiv>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Power", Binary<kPow>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Maximum", Binary<kMax>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Minimum", Binary<kMin>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Matmul", Binary<kMatMul>, 2, 2, MaskRule::kDrop},
    LayerDef{"ops.NotEqual", Binary<kNotEqual>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Equal", Binary<kEqual>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Greater", Binary<kGreater>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Less", Binary<kLess>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.LogicalAnd", Binary<kAnd>, 2, 2, MaskRule::kDrop},
    LayerDef{"ops.LogicalOr", Binary<kOr>, 2, 2, MaskRule::kDrop},
    LayerDef{"ops.Any", Reduction<kAnyOf>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.All", Reduction<kAll>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Sum", Reduction<kSum>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Mean", Reduction<kMean>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Max", Reduction<kLargest>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Min", Reduction<kSmallest>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.LogicalNot", Unary<kNot>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Absolute", Unary<kAbs>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Abs", Unary<kAbs>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Negative", Unary<kNeg>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Exp", Unary<kExp>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Log", Unary<kLog>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Sqrt", Unary<kSqrt>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Rsqrt", Unary<kRsqrt>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Square", Unary<kSquare>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Tanh", Unary<kTanh>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Sigmoid", Unary<kSigmoid>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Relu", Unary<kRelu>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Sin", Unary<kSin>, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Cos", Unary<kCos>, 1, 1, MaskRule::kDrop},
};

}  // namespace

std::span<const LayerDef> OperationLayers() { return kLayers; }

}  // namespace slipway::keras
