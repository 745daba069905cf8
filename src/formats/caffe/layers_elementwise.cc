// Layers that work element by element: activations, powers, learnt scales and biases, sums of blobs.
#include <algorithm>
#include <array>
#include <cmath>

#include "formats/caffe/layers.h"

namespace slipway::caffe {
namespace {

Status Relu(LayerContext& context) {
  const float slope = context.params("relu_param").Float("negative_slope", 0);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (slope == 0) return context.Emit("Relu", {context.in()});
  return context.Emit("LeakyRelu", {context.in()}, {{"alpha", slope}});
}

Status Relu6(LayerContext& context) {
  return context.Emit("Clip", {context.in(), context.Number(0), context.Number(6)});
}

// `values`, one an axis from `axis` on, as a constant that broadcasts over x.
Result<ValueId> Spread(LayerContext& context, ValueId x, int64_t axis, const Tensor& values) {
  Dims dims = values.dims();
  const int64_t trailing = context.rank(x) - axis - values.rank();
  if (trailing < 0) return context.Error("weights " + ToString(dims) + " reach beyond the input's axes");
  dims.insert(dims.end(), static_cast<size_t>(trailing), 1);
  return context.Const(values.Reshaped(std::move(dims)));
}

Status Prelu(LayerContext& context) {
  const bool is_shared = context.params("prelu_param").Bool("channel_shared", false);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  int64_t count = 1;
  if (!is_shared) {
    SLIPWAY_ASSIGN_OR_RETURN(count, context.Extent(0, 1));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor slopes, context.Blob(0, {count}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId slope, Spread(context, context.in(), 1, slopes));
  return context.Emit("PRelu", {context.in(), slope});
}

Status Elu(LayerContext& context) {
  const float alpha = context.params("elu_param").Float("alpha", 1);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  return context.Emit("Elu", {context.in()}, {{"alpha", alpha}});
}

Status Sigmoid(LayerContext& context) { return context.Emit("Sigmoid", {context.in()}); }
Status Tanh(LayerContext& context) { return context.Emit("Tanh", {context.in()}); }
Status AbsVal(LayerContext& context) { return context.Emit("Abs", {context.in()}); }
Status Bnll(LayerContext& context) { return context.Emit("Softplus", {context.in()}); }
Status Swish(LayerContext& context) {
  const float beta = context.params("swish_param").Float("beta", 1);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId scaled, context.Affine(context.in(), beta, 0));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId gate, context.Add("Sigmoid", {scaled}));
  return context.Emit("Mul", {context.in(), gate});
}

Status Mish(LayerContext& context) { return context.Emit("Mish", {context.in()}); }
Status HardSwish(LayerContext& context) { return context.Emit("HardSwish", {context.in()}); }
Status HardSigmoid(LayerContext& context) {
  return context.Emit("HardSigmoid", {context.in()}, {{"alpha", 1.0F / 6}, {"beta", 0.5F}});
}

Status Clip(LayerContext& context) {
  const Params params = context.params("clip_param");
  const float low = params.Float("min", 0), high = params.Float("max", 0);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (!params.Has("min") || !params.Has("max")) return context.Error("min and max are needed");
  return context.Emit("Clip", {context.in(), context.Number(static_cast<double>(low)),
                               context.Number(static_cast<double>(high))});
}

// (shift + scale * x) ^ power
Status Power(LayerContext& context) {
  const Params params = context.params("power_param");
  const float power = params.Float("power", 1), scale = params.Float("scale", 1),
              shift = params.Float("shift", 0);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId base, context.Affine(context.in(), scale, shift));
  if (power == 2) return context.Emit("Mul", {base, base});
  if (power != 1) return context.Emit("Pow", {base, context.Number(static_cast<double>(power))});
  context.Emit(base);
  return Status::Ok();
}

// Natural logarithm of the base; -1 stands for e.
Result<double> LogOfBase(LayerContext& context, float base) {
  if (base == -1) return 1.0;
  if (base > 0) return std::log(static_cast<double>(base));
  return context.Error("base is " + std::to_string(base) + "; it must be positive, or -1 for e");
}

Status Exp(LayerContext& context) {
  const Params params = context.params("exp_param");
  const float base = params.Float("base", -1), scale = params.Float("scale", 1),
              shift = params.Float("shift", 0);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  SLIPWAY_ASSIGN_OR_RETURN(const double log, LogOfBase(context, base));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId exponent,
                           context.Affine(context.in(), static_cast<float>(log * static_cast<double>(scale)),
                                          static_cast<float>(log * static_cast<double>(shift))));
  return context.Emit("Exp", {exponent});
}

Status Log(LayerContext& context) {
  const Params params = context.params("log_param");
  const float base = params.Float("base", -1), scale = params.Float("scale", 1),
              shift = params.Float("shift", 0);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  SLIPWAY_ASSIGN_OR_RETURN(const double log, LogOfBase(context, base));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, context.Affine(context.in(), scale, shift));
  if (log == 1) return context.Emit("Log", {x});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId natural, context.Add("Log", {x}));
  return context.Emit("Mul", {natural, context.Number(1 / log)});
}

Status Threshold(LayerContext& context) {
  const float threshold = context.params("threshold_param").Float("threshold", 0);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId above,
      context.Add("Greater", {context.in(), context.Number(static_cast<double>(threshold))}));
  return context.Emit("Cast", {above}, {{"to", DType::kF32}});
}

// Shape of a Scale's or Bias's weights: `num_axes` extents of the input from `axis` on, -1: all of them.
Result<Dims> WeightShape(LayerContext& context, int64_t axis, int64_t num_axes) {
  const int64_t rank = context.rank(context.in());
  if (num_axes == -1) num_axes = rank - axis;
  if (num_axes < 0 || axis + num_axes > rank)
    return context.Error("num_axes " + std::to_string(num_axes) + " reaches beyond the input's " +
                         std::to_string(rank) + " axes");
  Dims dims;
  for (int64_t i = axis; i < axis + num_axes; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, i));
    dims.push_back(extent);
  }
  return dims;
}

// The second input with 1s behind, so that it broadcasts from `axis` on.
Result<ValueId> SpreadInput(LayerContext& context, int64_t axis) {
  const ValueId factor = context.in(1);
  const int64_t trailing = context.rank(context.in()) - axis - context.rank(factor);
  if (trailing < 0) return context.Error("the second input reaches beyond the first's axes");
  if (trailing == 0) return factor;
  Ints axes(static_cast<size_t>(trailing));
  for (size_t i = 0; i < axes.size(); ++i) axes[i] = context.rank(factor) + static_cast<int64_t>(i);
  return context.Add("Unsqueeze", {factor, context.builder().Ints(axes)});
}

Status Scale(LayerContext& context) {
  const Params params = context.params("scale_param");
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis,
                           context.Axis(params.Int("axis", 1), context.rank(context.in())));
  const int64_t num_axes = params.Int("num_axes", 1);
  const bool has_bias = params.Bool("bias_term", false);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  Dims dims;
  std::vector<ValueId> factors = {context.in(), kNoValue};
  if (context.num_inputs() == 2) {
    for (size_t i = 0; has_bias && i < context.shape(context.in(1)).size(); ++i) {
      SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(1, static_cast<int64_t>(i)));
      dims.push_back(extent);
    }
    SLIPWAY_ASSIGN_OR_RETURN(factors[1], SpreadInput(context, axis));
  } else {
    SLIPWAY_ASSIGN_OR_RETURN(dims, WeightShape(context, axis, num_axes));
    SLIPWAY_ASSIGN_OR_RETURN(const Tensor scale, context.Blob(0, dims));
    SLIPWAY_ASSIGN_OR_RETURN(factors[1], Spread(context, context.in(), axis, scale));
  }
  if (!has_bias) return context.Emit("Mul", factors);
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor bias, context.Blob(2 - context.num_inputs(), dims));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId addend, Spread(context, context.in(), axis, bias));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId scaled, context.Add("Mul", factors));
  return context.Emit("Add", {scaled, addend});
}

Status Bias(LayerContext& context) {
  const Params params = context.params("bias_param");
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis,
                           context.Axis(params.Int("axis", 1), context.rank(context.in())));
  const int64_t num_axes = params.Int("num_axes", 1);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (context.num_inputs() == 2) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId addend, SpreadInput(context, axis));
    return context.Emit("Add", {context.in(), addend});
  }
  SLIPWAY_ASSIGN_OR_RETURN(const Dims dims, WeightShape(context, axis, num_axes));
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor bias, context.Blob(0, dims));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId addend, Spread(context, context.in(), axis, bias));
  return context.Emit("Add", {context.in(), addend});
}

Status CheckSameShapes(LayerContext& context) {
  for (size_t i = 1; i < context.num_inputs(); ++i) {
    const DimList &a = context.shape(context.in()), &b = context.shape(context.in(i));
    bool fits = a.size() == b.size();
    for (size_t k = 0; fits && k < a.size(); ++k) fits = !a[k].IsKnown() || !b[k].IsKnown() || a[k] == b[k];
    if (!fits)
      return context.Error("inputs must be of one shape, are " + ToString(a) + " and " + ToString(b));
  }
  return Status::Ok();
}

Status Eltwise(LayerContext& context) {
  constexpr std::array kOps = {"Mul", "Add", "Max"};
  const Params params = context.params("eltwise_param");
  const size_t operation = params.Enum("operation", {"PROD", "SUM", "MAX"}, 1) % 3;
  const std::vector<float> factors = params.Floats("coeff");
  SLIPWAY_RETURN_IF_ERROR(context.error());
  SLIPWAY_RETURN_IF_ERROR(CheckSameShapes(context));
  if (!factors.empty() && (operation != 1 || factors.size() != context.num_inputs()))
    return context.Error("coeff goes with SUM, one for each of the " + std::to_string(context.num_inputs()) +
                         " inputs; there are " + std::to_string(factors.size()));
  ValueId sum = kNoValue;
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId term,
                             context.Affine(context.in(i), factors.empty() ? 1 : factors[i], 0));
    if (i == 0) {
      sum = term;
    } else if (i + 1 == context.num_inputs()) {
      return context.Emit(kOps[operation], {sum, term});
    } else {
      SLIPWAY_ASSIGN_OR_RETURN(sum, context.Add(kOps[operation], {sum, term}));
    }
  }
  context.Emit(sum);
  return Status::Ok();
}

// Inputs a [N,C] or [N,C,1,1], x, y: a * x + y.
Status Axpy(LayerContext& context) {
  ValueId factor = context.in();
  const int64_t missing = context.rank(context.in(1)) - context.rank(factor);
  if (missing < 0) return context.Error("the scale has more axes than what it scales");
  if (missing > 0) {
    Ints axes(static_cast<size_t>(missing));
    for (size_t i = 0; i < axes.size(); ++i) axes[i] = context.rank(context.in()) + static_cast<int64_t>(i);
    SLIPWAY_ASSIGN_OR_RETURN(factor, context.Add("Unsqueeze", {factor, context.builder().Ints(axes)}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId scaled, context.Add("Mul", {factor, context.in(1)}));
  return context.Emit("Add", {scaled, context.in(2)});
}

constexpr std::array kLayers = {
    LayerDef{"ReLU", Relu},
    LayerDef{"ReLU6", Relu6},
    LayerDef{"PReLU", Prelu},
    LayerDef{"ELU", Elu},
    LayerDef{"Sigmoid", Sigmoid},
    LayerDef{"TanH", Tanh},
    LayerDef{"AbsVal", AbsVal},
    LayerDef{"BNLL", Bnll},
    LayerDef{"Swish", Swish},
    LayerDef{"Clip", Clip},
    LayerDef{"Mish", Mish},
    LayerDef{"HardSwish", HardSwish},
    LayerDef{"HSwish", HardSwish},
    LayerDef{"HardSigmoid", HardSigmoid},
    LayerDef{"HSigmoid", HardSigmoid},
    LayerDef{"Power", Power},
    LayerDef{"Exp", Exp},
    LayerDef{"Log", Log},
    LayerDef{"Threshold", Threshold},
    LayerDef{"Scale", Scale, 1, 2},
    LayerDef{"Bias", Bias, 1, 2},
    LayerDef{"Eltwise", Eltwise, 1, 1024},
    LayerDef{"Axpy", Axpy, 3, 3},
};

}  // namespace

std::span<const LayerDef> ElementwiseLayers() { return kLayers; }

}  // namespace slipway::caffe
