// Layers that compute: convolutions, products, pools, activations, element by element, reductions.
#include <array>

#include "network/state.h"

namespace slipway {
namespace {

using A = ActivationType;

Dims PadsOf(const Dims& before, const Dims& after) {
  Dims pads = before.empty() ? Dims(after.size(), 0) : before;
  pads.insert(pads.end(), after.empty() ? before.begin() : after.begin(),
              after.empty() ? before.end() : after.end());
  return pads;
}

const char* AutoPad(PaddingMode mode) {
  if (mode == PaddingMode::kSameUpper) return "SAME_UPPER";
  return mode == PaddingMode::kSameLower ? "SAME_LOWER" : "NOTSET";
}

// An operator and the names of the attributes that alpha and beta fill; null: it has no use for it.
struct ActivationForm {
  ActivationType type;
  const char* op;
  const char* alpha = nullptr;
  const char* beta = nullptr;
};
constexpr std::array kActivations = {
    ActivationForm{A::kRelu, "Relu"},
    ActivationForm{A::kSigmoid, "Sigmoid"},
    ActivationForm{A::kTanh, "Tanh"},
    ActivationForm{A::kLeakyRelu, "LeakyRelu", "alpha"},
    ActivationForm{A::kElu, "Elu", "alpha"},
    ActivationForm{A::kSelu, "Selu", "alpha", "gamma"},
    ActivationForm{A::kSoftsign, "Softsign"},
    ActivationForm{A::kHardSigmoid, "HardSigmoid", "alpha", "beta"},
    ActivationForm{A::kThresholdedRelu, "ThresholdedRelu", "alpha"},
    ActivationForm{A::kGeluErf, "Gelu"},
    ActivationForm{A::kGeluTanh, "Gelu"},
    ActivationForm{A::kSilu, "Swish"},
    ActivationForm{A::kHardSwish, "HardSwish"},
    ActivationForm{A::kMish, "Mish"},
};

constexpr std::array kElementWiseOps = {"Add",      "Mul", "Max", "Min", "Sub",   "Div",     "Pow",
                                        "FloorDiv", "And", "Or",  "Xor", "Equal", "Greater", "Less"};
constexpr std::array kUnaryOps = {"Exp",   "Log",   "Sqrt",  "Reciprocal", "Abs",   "Neg",  "Sin",
                                  "Cos",   "Tan",   "Sinh",  "Cosh",       "Asin",  "Acos", "Atan",
                                  "Asinh", "Acosh", "Atanh", "Ceil",       "Floor", "Erf",  "Not",
                                  "Sign",  "Round", "IsInf", "IsNaN"};
constexpr std::array kReduceOps = {"ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceMean"};
static_assert(kElementWiseOps.size() == static_cast<size_t>(ElementWiseOperation::kLess) + 1);
static_assert(kUnaryOps.size() == static_cast<size_t>(UnaryOperation::kIsNan) + 1);
static_assert(kReduceOps.size() == static_cast<size_t>(ReduceOperation::kAvg) + 1);

}  // namespace

NetTensor NetworkBuilder::Convolution(NetTensor x, const ConvolutionLayer& layer, Where where) {
  if (!status().ok()) return Refused();
  if (layer.padding_mode == PaddingMode::kExplicitRoundUp)
    return Fail(where, Status(Code::kUsage, "a convolution cannot round its extent up", "pad it explicitly"));
  const NetTensor weights = Constant(layer.weights, where);
  const NetTensor bias = layer.bias.IsNone() ? NetTensor::LeftOut() : Constant(layer.bias, where);
  return One("convolution", "Conv", {x, weights, bias},
             {{"strides", layer.strides},
              {"dilations", layer.dilations},
              {"pads", PadsOf(layer.padding, layer.post_padding)},
              {"group", layer.groups},
              {"auto_pad", AutoPad(layer.padding_mode)}},
             where);
}

NetTensor NetworkBuilder::Deconvolution(NetTensor x, const DeconvolutionLayer& layer, Where where) {
  const NetTensor weights = Constant(layer.weights, where);
  const NetTensor bias = layer.bias.IsNone() ? NetTensor::LeftOut() : Constant(layer.bias, where);
  return One("deconvolution", "ConvTranspose", {x, weights, bias},
             {{"strides", layer.strides},
              {"dilations", layer.dilations},
              {"pads", PadsOf(layer.padding, layer.post_padding)},
              {"output_padding", layer.output_padding},
              {"group", layer.groups}},
             where);
}

NetTensor NetworkBuilder::FullyConnected(NetTensor x, Tensor weights, Tensor bias, Where where) {
  const NetTensor w = Constant(std::move(weights), where);
  const NetTensor b = bias.IsNone() ? NetTensor::LeftOut() : Constant(std::move(bias), where);
  return One("fully_connected", "FullyConnected", {x, w, b}, {}, where);
}

NetTensor NetworkBuilder::MatrixMultiply(NetTensor a, MatrixOperation op_a, NetTensor b, MatrixOperation op_b,
                                         Where where) {
  return One("matrix_multiply", "MatMul", {a, b},
             {{"transpose_a", int64_t{op_a == MatrixOperation::kTranspose}},
              {"transpose_b", int64_t{op_b == MatrixOperation::kTranspose}}},
             where);
}

NetTensor NetworkBuilder::Pooling(NetTensor x, PoolingType type, const PoolingLayer& layer, Where where) {
  LayerAttrs attrs = {{"kernel_shape", layer.window},
                      {"strides", layer.strides},
                      {"pads", PadsOf(layer.padding, layer.post_padding)},
                      {"ceil_mode", int64_t{layer.padding_mode == PaddingMode::kExplicitRoundUp}},
                      {"auto_pad", AutoPad(layer.padding_mode)}};
  if (type == PoolingType::kMax) return One("pooling", "MaxPool", {x}, attrs, where);
  attrs["count_include_pad"] = int64_t{!layer.average_count_excludes_padding};
  return One("pooling", "AveragePool", {x}, attrs, where);
}

NetTensor NetworkBuilder::Activation(NetTensor x, ActivationType type, ActivationParams params, Where where) {
  if (!status().ok()) return Refused();
  const auto by = [&](NetTensor y, std::optional<float> factor) {
    return factor ? One("activation", "Mul", {y, ScalarLike(x, *factor)}, {}, where) : y;
  };
  if (type == A::kClip) {
    if (!params.alpha || !params.beta)
      return Fail(where, Status(Code::kUsage, "activation clip needs alpha (lowest) and beta (highest)"));
    return One("activation", "Clip", {x, ScalarLike(x, *params.alpha), ScalarLike(x, *params.beta)}, {},
               where);
  }
  if (type == A::kSoftplus || type == A::kScaledTanh) {
    const char* op = type == A::kSoftplus ? "Softplus" : "Tanh";
    return by(One("activation", op, {by(x, params.beta)}, {}, where), params.alpha);
  }
  for (const ActivationForm& form : kActivations) {
    if (form.type != type) continue;
    if ((params.alpha && form.alpha == nullptr) || (params.beta && form.beta == nullptr))
      return Fail(where,
                  Status(Code::kUsage, std::string("activation ") + form.op + " has no " +
                                           (form.alpha == nullptr && params.alpha ? "alpha" : "beta")));
    LayerAttrs attrs;
    if (params.alpha) attrs[form.alpha] = *params.alpha;
    if (params.beta) attrs[form.beta] = *params.beta;
    if (type == A::kGeluTanh) attrs["approximate"] = "tanh";
    return One("activation", form.op, {x}, attrs, where);
  }
  return Fail(where,
              Status(Code::kUsage, "no activation has the number " + std::to_string(static_cast<int>(type))));
}

NetTensor NetworkBuilder::ParametricRelu(NetTensor x, NetTensor slopes, Where where) {
  return One("parametric_relu", "PRelu", {x, slopes}, {}, where);
}

Result<Tensor> NetworkBuilder::ScaleOperand(NetTensor x, const ScaleLayer& layer, const Tensor& data,
                                            const char* role) const {
  const std::optional<Dims> shape = dims(x);
  const int rank = shape ? static_cast<int>(shape->size()) : 0;
  Dims wanted;  // without leading axes that broadcast
  if (layer.mode == ScaleMode::kChannel) {
    if (layer.channel_axis < 0 || layer.channel_axis >= rank)
      return Status(Code::kUsage, "scale: channel axis " + std::to_string(layer.channel_axis) +
                                      " of a tensor of rank " + std::to_string(rank));
    const int64_t channels = (*shape)[static_cast<size_t>(layer.channel_axis)];
    wanted.assign(static_cast<size_t>(rank - layer.channel_axis), 1);
    wanted[0] = channels < 0 ? data.count() : channels;
  }
  if (layer.mode == ScaleMode::kElementwise && rank > 0) wanted.assign(shape->begin() + 1, shape->end());
  for (const int64_t extent : wanted)
    if (extent < 0) return Status(Code::kUsage, "scale: elementwise needs a shape that is known");
  if (CountOf(wanted) != data.count())
    return Status(Code::kUsage, std::string("scale: ") + role + " has " + std::to_string(data.count()) +
                                    " elements, " + std::to_string(CountOf(wanted)) + " are needed");
  return data.Reshaped(std::move(wanted));
}

NetTensor NetworkBuilder::Scale(NetTensor x, const ScaleLayer& layer, Where where) {
  struct Part {
    const char* role;
    const char* op;
    const Tensor& data;
  };
  NetTensor y = x;
  for (const Part& part : {Part{"scale", "Mul", layer.scale}, Part{"shift", "Add", layer.shift},
                           Part{"power", "Pow", layer.power}}) {
    if (part.data.IsNone() || !status().ok()) continue;
    const Result<Tensor> operand = ScaleOperand(x, layer, part.data, part.role);
    if (!operand.ok()) return Fail(where, operand.status());
    y = One("scale", part.op, {y, Constant(*operand, where)}, {}, where);
  }
  return status().ok() ? y : Refused();
}

NetTensor NetworkBuilder::BatchNormalization(NetTensor x, const BatchNormalizationLayer& layer, Where where) {
  return One("batch_normalization", "BatchNormalization",
             {x, Constant(layer.scale, where), Constant(layer.bias, where), Constant(layer.mean, where),
              Constant(layer.variance, where)},
             {{"epsilon", layer.epsilon}}, where);
}

NetTensor NetworkBuilder::Lrn(NetTensor x, const LrnLayer& layer, Where where) {
  return One("lrn", "LRN", {x},
             {{"size", layer.window}, {"alpha", layer.alpha}, {"beta", layer.beta}, {"bias", layer.k}},
             where);
}

NetTensor NetworkBuilder::SoftMax(NetTensor x, int axis, Where where) {
  return One("softmax", "Softmax", {x}, {{"axis", int64_t{axis}}}, where);
}

NetTensor NetworkBuilder::ElementWise(NetTensor a, NetTensor b, ElementWiseOperation operation, Where where) {
  return One("elementwise", kElementWiseOps[static_cast<size_t>(operation)], {a, b}, {}, where);
}

NetTensor NetworkBuilder::Unary(NetTensor x, UnaryOperation operation, Where where) {
  return One("unary", kUnaryOps[static_cast<size_t>(operation)], {x}, {}, where);
}

NetTensor NetworkBuilder::Select(NetTensor condition, NetTensor then, NetTensor otherwise, Where where) {
  return One("select", "Where", {condition, then, otherwise}, {}, where);
}

NetTensor NetworkBuilder::Reduce(NetTensor x, ReduceOperation operation, const ReduceLayer& layer,
                                 Where where) {
  return One("reduce", kReduceOps[static_cast<size_t>(operation)], {x, Integers(layer.axes)},
             {{"keepdims", int64_t{layer.keep_dimensions}}}, where);
}

NetworkBuilder::TopKResult NetworkBuilder::TopK(NetTensor x, const TopKLayer& layer, Where where) {
  const auto both =
      Many("topk", "TopK", {x, Integers({layer.k})},
           {{"axis", int64_t{layer.axis}}, {"largest", int64_t{layer.operation == TopKOperation::kMax}}}, 2,
           where);
  return {both[0], both[1]};
}

}  // namespace slipway
