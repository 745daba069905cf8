// Activations: functions named in configs, and layers.
//
// Source: keras/activations and keras/layers/activations. Where Keras 2 and 3 differ, keras_version decides.
#include <array>

#include "formats/keras/layer_parts.h"
#include "formats/keras/tensors.h"

namespace slipway::keras {
namespace {

using ActivationFn = Result<ValueId> (*)(LayerContext& context, ValueId x);

// One operator without attributes.
template <const char* op>
Result<ValueId> Plain(LayerContext& context, ValueId x) {
  return context.Add(op, {x});
}

Result<ValueId> Clip(LayerContext& context, ValueId x, double low, double high) {
  return context.Add("Clip", {x, context.Number(low), context.Number(high)});
}

Result<ValueId> Linear(LayerContext&, ValueId x) { return x; }
Result<ValueId> Relu6(LayerContext& context, ValueId x) { return Clip(context, x, 0, 6); }
Result<ValueId> HardTanh(LayerContext& context, ValueId x) { return Clip(context, x, -1, 1); }

// Keras 3 took over the definition of others: relu6(x + 3) / 6.
Result<ValueId> HardSigmoid(LayerContext& context, ValueId x) {
  const float slope = context.IsKeras3() ? 1.0F / 6 : 0.2F;
  return context.Add("HardSigmoid", {x}, {{"alpha", slope}, {"beta", 0.5F}});
}

Result<ValueId> SparseSigmoid(LayerContext& context, ValueId x) {
  return context.Add("HardSigmoid", {x}, {{"alpha", 0.5F}, {"beta", 0.5F}});
}

Result<ValueId> LeakyRelu(LayerContext& context, ValueId x) {
  return context.Add("LeakyRelu", {x}, {{"alpha", 0.2F}});
}

Result<ValueId> GeluNew(LayerContext& context, ValueId x) {
  return context.Add("Gelu", {x}, {{"approximate", std::string("tanh")}});
}

Result<ValueId> LogSigmoid(LayerContext& context, ValueId x) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId opposite, context.Add("Neg", {x}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("Softplus", {opposite}));
  return context.Add("Neg", {y});
}

Result<ValueId> HardShrink(LayerContext& context, ValueId x) {
  return context.Add("Shrink", {x}, {{"lambd", 0.5F}, {"bias", 0.0F}});
}
Result<ValueId> SoftShrink(LayerContext& context, ValueId x) {
  return context.Add("Shrink", {x}, {{"lambd", 0.5F}, {"bias", 0.5F}});
}

Result<ValueId> TanhShrink(LayerContext& context, ValueId x) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("Tanh", {x}));
  return context.Add("Sub", {x, y});
}

// (x + sqrt(x^2 + 4)) / 2
Result<ValueId> Squareplus(LayerContext& context, ValueId x) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId square, context.Add("Mul", {x, x}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId shifted, context.Affine(square, 1, 4));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId root, context.Add("Sqrt", {shifted}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, context.Add("Add", {x, root}));
  return context.Affine(sum, 0.5, 0);
}

// 0 below -1, x above 1, (x + 1)^2 / 4 between: clip(x + 1, 0, 2)^2 / 4 + relu(x - 1).
Result<ValueId> SparsePlus(LayerContext& context, ValueId x) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId right, context.Affine(x, 1, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId clipped, Clip(context, right, 0, 2));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId square, context.Add("Mul", {clipped, clipped}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId bend, context.Affine(square, 0.25, 0));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId left, context.Affine(x, 1, -1));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId line, context.Add("Relu", {left}));
  return context.Add("Add", {bend, line});
}

// The first half of the last axis times the sigmoid of the second.
Result<ValueId> Glu(LayerContext& context, ValueId x) {
  SLIPWAY_ASSIGN_OR_RETURN(
      const Values halves,
      context.AddAll("Split", {x}, {{"axis", int64_t{-1}}, {"num_outputs", int64_t{2}}}, {Type(), Type()}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId gate, context.Add("Sigmoid", {halves[1]}));
  return context.Add("Mul", {halves[0], gate});
}

struct Activation {
  std::string_view name;
  ActivationFn add;
};

constexpr char kRelu[] = "Relu", kElu[] = "Elu", kSelu[] = "Selu", kSoftplus[] = "Softplus",
               kSoftsign[] = "Softsign", kTanh[] = "Tanh", kSigmoid[] = "Sigmoid", kExp[] = "Exp",
               kSoftmax[] = "Softmax", kSwish[] = "Swish", kGelu[] = "Gelu", kMish[] = "Mish",
               kHardSwish[] = "HardSwish", kCelu[] = "Celu", kLogSoftmax[] = "LogSoftmax";

// The defaults of the operators' attributes are those of the functions.
constexpr std::array kActivations = {
    Activation{"linear", Linear},
    Activation{"relu", Plain<kRelu>},
    Activation{"relu6", Relu6},
    Activation{"elu", Plain<kElu>},
    Activation{"selu", Plain<kSelu>},
    Activation{"softplus", Plain<kSoftplus>},
    Activation{"softsign", Plain<kSoftsign>},
    Activation{"tanh", Plain<kTanh>},
    Activation{"sigmoid", Plain<kSigmoid>},
    Activation{"hard_sigmoid", HardSigmoid},
    Activation{"exponential", Plain<kExp>},
    Activation{"softmax", Plain<kSoftmax>},
    Activation{"swish", Plain<kSwish>},
    Activation{"silu", Plain<kSwish>},
    Activation{"gelu", Plain<kGelu>},
    Activation{"gelu_new", GeluNew},
    Activation{"mish", Plain<kMish>},
    Activation{"hard_swish", Plain<kHardSwish>},
    Activation{"hard_silu", Plain<kHardSwish>},
    Activation{"leaky_relu", LeakyRelu},
    Activation{"celu", Plain<kCelu>},
    Activation{"log_softmax", Plain<kLogSoftmax>},
    Activation{"log_sigmoid", LogSigmoid},
    Activation{"hard_tanh", HardTanh},
    Activation{"hard_shrink", HardShrink},
    Activation{"soft_shrink", SoftShrink},
    Activation{"tanh_shrink", TanhShrink},
    Activation{"squareplus", Squareplus},
    Activation{"sparse_plus", SparsePlus},
    Activation{"sparse_sigmoid", SparseSigmoid},
    Activation{"glu", Glu},
};

}  // namespace

Result<ValueId> LayerContext::Activate(ValueId x, const std::string& name) {
  return Activate(x, config_.Find(name));
}

// A name, or a layer or function: {"class_name": ..., "config": ...}.
Result<ValueId> LayerContext::Activate(ValueId x, const Json* activation) {
  if (activation == nullptr || activation->is_null()) return x;
  std::string name = activation->is_string() ? activation->get<std::string>() : ClassOf(*activation);
  if (!activation->is_string() && FindLayer(name) != nullptr) {
    SLIPWAY_ASSIGN_OR_RETURN(const Values values, Apply(*activation, "", {x}));
    return values[0];
  }
  // Keras 3's functions: {"class_name": "function", "config": "relu6"}.
  if (name == "function" || name == "Function") name = TextOf(*activation, "config");
  for (const auto& each : kActivations) {
    if (each.name == name) return each.add(*this, x);
  }
  return Unsupported("the activation '" + name + "' is not Keras's own",
                     "its code is Python and not in the file: write the layer with Keras's own activations");
}

namespace {

Result<Values> ActivationLayer(LayerContext& context) {
  return One(context.Activate(context.in(), "activation"));
}

// max_value above it; x above the threshold; negative_slope * (x - threshold) below.
Result<Values> ReluLayer(LayerContext& context) {
  const ValueId x = context.in();
  const bool has_max = context.config().Has("max_value");
  const double highest = context.config().Real("max_value", 0),
               slope = context.config().Real("negative_slope", 0),
               threshold = context.config().Real("threshold", 0);
  if (threshold == 0 && !has_max && slope != 0)
    return One(context.Add("LeakyRelu", {x}, {{"alpha", static_cast<float>(slope)}}));
  ValueId y = kNoValue;
  if (threshold != 0) {
    SLIPWAY_ASSIGN_OR_RETURN(y,
                             context.Add("ThresholdedRelu", {x}, {{"alpha", static_cast<float>(threshold)}}));
    if (has_max) {
      SLIPWAY_ASSIGN_OR_RETURN(y, Clip(context, y, 0, highest));
    }
  } else if (has_max) {
    SLIPWAY_ASSIGN_OR_RETURN(y, Clip(context, x, 0, highest));
  } else {
    SLIPWAY_ASSIGN_OR_RETURN(y, context.Add("Relu", {x}));
  }
  if (slope == 0) return Values{y};
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId below, context.Affine(x, -1, threshold));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId positive, context.Add("Relu", {below}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId part, context.Affine(positive, slope, 0));
  return One(context.Add("Sub", {y, part}));
}

Result<Values> LeakyReluLayer(LayerContext& context) {
  // Keras 2 says alpha.
  const double slope = context.config().Real("negative_slope", context.config().Real("alpha", 0.3));
  return One(context.Add("LeakyRelu", {context.in()}, {{"alpha", static_cast<float>(slope)}}));
}

Result<Values> EluLayer(LayerContext& context) {
  return One(
      context.Add("Elu", {context.in()}, {{"alpha", static_cast<float>(context.config().Real("alpha", 1))}}));
}

Result<Values> ThresholdedReluLayer(LayerContext& context) {
  return One(context.Add("ThresholdedRelu", {context.in()},
                         {{"alpha", static_cast<float>(context.config().Real("theta", 1))}}));
}

// One slope an element; along shared axes one for all.
Result<Values> PReluLayer(LayerContext& context) {
  Dims dims;
  for (int64_t i = 1; i < context.rank(); ++i) dims.push_back(ExtentOrAny(context, context.in(), i));
  for (int64_t axis : context.config().IntList("shared_axes")) {
    if (axis < 1 || axis > static_cast<int64_t>(dims.size()))
      return context.Error("its shared axis " + std::to_string(axis) + " lies outside the input " +
                           ToString(context.shape()));
    dims[static_cast<size_t>(axis) - 1] = 1;
  }
  SLIPWAY_ASSIGN_OR_RETURN(Tensor slopes, context.Weight("alpha", 0, dims));
  return One(context.Add("PRelu", {context.in(), context.Const(std::move(slopes))}));
}

Result<Values> SoftmaxLayer(LayerContext& context) {
  if (context.MaskOf(context.in()) != kNoValue || context.named("mask") != kNoValue ||
      context.num_inputs() > 1)
    return context.Unsupported("a masked softmax", "leave the mask out, or mask with layers of the model");
  const Ints axes = context.config().IntList("axis");
  if (axes.size() > 1) return context.Unsupported("a softmax over several axes");
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis, context.Axis(axes.empty() ? -1 : axes[0], context.rank()));
  return One(context.Add("Softmax", {context.in()}, {{"axis", axis}}));
}

constexpr std::array kLayers = {
    LayerDef{"Activation", ActivationLayer},
    LayerDef{"ReLU", ReluLayer},
    LayerDef{"LeakyReLU", LeakyReluLayer},
    LayerDef{"ELU", EluLayer},
    LayerDef{"ThresholdedReLU", ThresholdedReluLayer},
    LayerDef{"PReLU", PReluLayer},
    LayerDef{"Softmax", SoftmaxLayer, 1, 2},
};

}  // namespace

std::span<const LayerDef> ActivationLayers() { return kLayers; }

}  // namespace slipway::keras
