// Arithmetic that stands in a functional model as layers: functions of keras.ops (Keras 3) and of TensorFlow
// (Keras 2's TFOpLambda). layers_functions.cc has those that move elements.
#include <array>
#include <numeric>

#include "formats/keras/layer_parts.h"

namespace slipway::keras {
namespace {

// Keras 3 has what is no tensor in the config, Keras 2 among the call's keyword arguments.
const Config& Settings(LayerContext& context) {
  return context.IsTensorFlowFunction() ? context.options() : context.config();
}

// A number of the type of the call's tensors.
Result<ValueId> Constant(LayerContext& context, const Json& constant) {
  if (!constant.is_number() && !constant.is_boolean())
    return context.Unsupported("an argument that is no tensor and no number");
  const double value = constant.is_boolean() ? (constant.get<bool>() ? 1.0 : 0.0) : constant.get<double>();
  const ValueId like = context.num_inputs() > 0 ? context.in(0) : context.named("y");
  if (like == kNoValue) return context.Error("is called without a tensor");
  return context.builder().Scalar(context.dtype(like), value);
}

// The call's argument i: a tensor, or a number of the other's type. TensorFlow's second one may be named.
Result<ValueId> Operand(LayerContext& context, size_t i, size_t& next_input) {
  const Arguments& arguments = context.call().inputs;
  if (i < arguments.size()) {
    if (arguments[i].tensor) return context.in(next_input++);
    return Constant(context, arguments[i].constant);
  }
  for (const char* name : {"y", "b"}) {
    if (context.named(name) != kNoValue) return context.named(name);
    if (const Json* constant = context.options().Find(name)) return Constant(context, *constant);
  }
  return context.Error("is called with " + std::to_string(arguments.size()) + " arguments");
}

template <const char* op>
Result<Values> Binary(LayerContext& context) {
  size_t next_input = 0;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId a, Operand(context, 0, next_input));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId b, Operand(context, 1, next_input));
  return One(context.Add(op, {a, b}));
}

// The last two axes of `x` swapped where `name` is true.
Result<ValueId> MaybeTransposed(LayerContext& context, ValueId x, const char* name) {
  if (!context.options().Bool(name, false)) return x;
  const int64_t rank = context.rank(x);
  if (rank < 2) return context.Error("multiplies an input of one axis");
  Ints permutation(static_cast<size_t>(rank));
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(permutation[static_cast<size_t>(rank) - 1], permutation[static_cast<size_t>(rank) - 2]);
  return context.Transpose(x, permutation);
}

Result<Values> MatMul(LayerContext& context) {
  size_t next_input = 0;
  SLIPWAY_ASSIGN_OR_RETURN(ValueId a, Operand(context, 0, next_input));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId b, Operand(context, 1, next_input));
  SLIPWAY_ASSIGN_OR_RETURN(a, MaybeTransposed(context, a, "transpose_a"));
  SLIPWAY_ASSIGN_OR_RETURN(b, MaybeTransposed(context, b, "transpose_b"));
  return One(context.Add("MatMul", {a, b}));
}

template <const char* op>
Result<Values> Unary(LayerContext& context) {
  return One(context.Add(op, {context.in()}));
}

// Over the config's axis, or all of them.
template <const char* op>
Result<Values> Reduction(LayerContext& context) {
  Values inputs = {context.in()};
  const Config& settings = Settings(context);
  const Ints axes = settings.IntList("axis");
  if (!axes.empty()) inputs.push_back(context.IntsOf(axes));
  return One(context.Add(op, inputs, {{"keepdims", int64_t{settings.Bool("keepdims", false)}}}));
}

constexpr char kAdd[] = "Add", kSub[] = "Sub", kMul[] = "Mul", kDiv[] = "Div", kPow[] = "Pow", kMax[] = "Max",
               kMin[] = "Min", kNotEqual[] = "NotEqual", kEqual[] = "Equal", kGreater[] = "Greater",
               kLess[] = "Less", kAnd[] = "And", kOr[] = "Or", kNot[] = "Not", kAbs[] = "Abs", kNeg[] = "Neg",
               kExp[] = "Exp", kLog[] = "Log", kSqrt[] = "Sqrt", kRsqrt[] = "Rsqrt", kSquare[] = "Square",
               kTanh[] = "Tanh", kSigmoid[] = "Sigmoid", kRelu[] = "Relu", kSoftplus[] = "Softplus",
               kSin[] = "Sin", kCos[] = "Cos", kAnyOf[] = "ReduceAny", kAll[] = "ReduceAll",
               kSum[] = "ReduceSum", kMean[] = "ReduceMean", kLargest[] = "ReduceMax",
               kSmallest[] = "ReduceMin";

constexpr std::array kLayers = {
    LayerDef{"ops.Add", Binary<kAdd>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Subtract", Binary<kSub>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Multiply", Binary<kMul>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Divide", Binary<kDiv>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.TrueDivide", Binary<kDiv>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Power", Binary<kPow>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Maximum", Binary<kMax>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Minimum", Binary<kMin>, 1, 2, MaskRule::kDrop},
    LayerDef{"ops.Matmul", MatMul, 2, 2, MaskRule::kDrop},
    LayerDef{"tf.linalg.matmul", MatMul, 1, 2, MaskRule::kDrop},
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
    LayerDef{"tf.__operators__.add", Binary<kAdd>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.add", Binary<kAdd>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.subtract", Binary<kSub>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.multiply", Binary<kMul>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.truediv", Binary<kDiv>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.divide", Binary<kDiv>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.pow", Binary<kPow>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.maximum", Binary<kMax>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.minimum", Binary<kMin>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.not_equal", Binary<kNotEqual>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.equal", Binary<kEqual>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.greater", Binary<kGreater>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.less", Binary<kLess>, 0, 2, MaskRule::kDrop},
    LayerDef{"tf.math.reduce_any", Reduction<kAnyOf>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.reduce_all", Reduction<kAll>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.reduce_sum", Reduction<kSum>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.reduce_mean", Reduction<kMean>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.reduce_max", Reduction<kLargest>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.reduce_min", Reduction<kSmallest>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.abs", Unary<kAbs>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.negative", Unary<kNeg>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.exp", Unary<kExp>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.log", Unary<kLog>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.sqrt", Unary<kSqrt>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.rsqrt", Unary<kRsqrt>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.square", Unary<kSquare>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.tanh", Unary<kTanh>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.nn.tanh", Unary<kTanh>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.sigmoid", Unary<kSigmoid>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.nn.sigmoid", Unary<kSigmoid>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.nn.relu", Unary<kRelu>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.sin", Unary<kSin>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.cos", Unary<kCos>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.nn.softplus", Unary<kSoftplus>, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.math.softplus", Unary<kSoftplus>, 1, 1, MaskRule::kDrop},
};

}  // namespace

std::span<const LayerDef> OperationLayers() { return kLayers; }

}  // namespace slipway::keras
