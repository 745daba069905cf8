// N-dimensional convolution (cross-correlation) with groups, fused bias, residual and activation.
//
// Quantised operands follow TFLite's reference kernels (conv_quant.cc).
#include "ops/nn/conv.h"

#include "base/scalar.h"
#include "ops/contrib/contrib.h"
#include "ops/nn/reals.h"
#include "ops/nn/residual.h"

namespace slipway {
namespace {

constexpr DTypeSet kImageTypes = kFloats | DTypeSet{DType::kI8, DType::kU8, DType::kI16};
constexpr DTypeSet kBiasTypes = kFloats | DTypeSet{DType::kI32, DType::kI64};

Status CheckWeights(const InferContext& context, const DimList& x, const DimList& w, size_t bias,
                    Layout layout) {
  const int64_t group = context.attrs().Int("group", 1);
  if (group < 1) return context.Error("group is " + std::to_string(group) + "; it must be 1 or more");
  const Dim& channels = x[static_cast<size_t>(ChannelAxis(layout, static_cast<int>(x.size())))];
  const Dim& depth = w[static_cast<size_t>(ChannelAxis(layout, static_cast<int>(w.size())))];
  if (channels.IsKnown() && depth.IsKnown() && channels.value() != depth.value() * group) {
    return context.Error("weights " + ToString(w) + " take " + std::to_string(depth.value() * group) +
                             " channels in " + std::to_string(group) + " groups, input " + ToString(x) +
                             " has " + channels.ToString(),
                         "check the layout (" + context.attrs().String("layout") + ") and group");
  }
  if (w[0].IsKnown() && w[0].value() % group != 0) {
    return context.Error(w[0].ToString() + " output channels do not divide into " + std::to_string(group) +
                         " groups");
  }
  if (context.HasInput(bias) && context.shape(bias)) {
    const DimList& b = *context.shape(bias);
    const bool is_wrong = b.size() != 1 || (b[0].IsKnown() && w[0].IsKnown() && b[0].value() != w[0].value());
    if (is_wrong) return context.Error("bias is " + ToString(b) + ", needs [" + w[0].ToString() + "]");
  }
  return Status::Ok();
}

Status Infer(InferContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(Type type, ConvType(context, 0, 1, 2, context.dtype(0)));
  context.SetOutput(0, std::move(type));
  return CheckResidual(context);
}

template <class T>
void RunReal(const ConvCall& call, const LayerEnd& end, const Tensor& x, const Tensor& w, const Tensor& b,
             Tensor& y) {
  const T* pixels = x.as<T>();
  const T* weights = w.as<T>();
  ForEachOutput(call.out, [&](int64_t n, int64_t oc, int64_t to, const int64_t* at) {
    double sum = b.IsNone() ? 0 : static_cast<double>(b.as<T>()[oc]);
    ForEachTap(call, n, oc, at, [&](int64_t i, int64_t k) {
      sum += static_cast<double>(pixels[i]) * static_cast<double>(weights[k]);
    });
    y.as<T>()[to] = static_cast<T>(end(sum, to));
  });
}

Status Reference(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ConvCall call, ReadConvCall(context));
  const Tensor& x = context.in(0);
  const bool has_integer_weights = IsInteger(context.in(1).dtype());
  if (IsInteger(x.dtype())) return RunQuantizedConv(context, call);
  if (has_integer_weights) return RunHybridConv(context, call);
  const LayerEnd end(context);
  Tensor& y = context.out(0);
  const Tensor bias = context.HasInput(2) ? context.in(2) : Tensor();
  if (x.dtype() == DType::kF32 && context.in(1).dtype() == DType::kF32) {
    RunReal<float>(call, end, x, context.in(1), bias.IsNone() ? bias : ConvertTensor(bias, DType::kF32), y);
    return Status::Ok();
  }
  Tensor wide(DType::kF64, y.dims());
  RunReal<double>(call, end, ConvertTensor(x, DType::kF64), ConvertTensor(context.in(1), DType::kF64),
                  bias.IsNone() ? bias : ConvertTensor(bias, DType::kF64), wide);
  StoreTensor(wide, y);
  return Status::Ok();
}

}  // namespace

Result<Type> ConvType(const InferContext& context, size_t x, size_t w, size_t b, DType dtype) {
  if (!context.shape(x) || !context.shape(w)) return Type::OfUnknownShape(dtype);
  const DimList& image = *context.shape(x);
  const DimList& weights = *context.shape(w);
  if (image.size() < 3 || image.size() > 5 || weights.size() != image.size()) {
    return context.Error("input " + ToString(image) + " and weights " + ToString(weights) +
                         " must have one rank, with 1 to 3 spatial axes");
  }
  const Layout layout = LayoutOf(context.attrs());
  SLIPWAY_RETURN_IF_ERROR(CheckWeights(context, image, weights, b, layout));
  const DimList kernel = SpatialOf(layout, weights);
  if (!AllKnown(kernel))
    return Type::Of(dtype, ImageShape(layout, image[0], weights[0], DimList(kernel.size())));
  auto window = ReadWindow(context.attrs(), KnownDims(kernel));
  if (!window.ok()) return context.Error(window.status().message());
  SLIPWAY_ASSIGN_OR_RETURN(const DimList spatial, SlideWindow(context, *window, SpatialOf(layout, image)));
  return Type::Of(dtype, ImageShape(layout, image[0], weights[0], spatial));
}

double ConvFlops(const InferContext& context, size_t w) {
  const auto& weights = context.shape(w);
  if (!weights || weights->empty() || !(*weights)[0].IsKnown() || (*weights)[0].value() == 0) return 0;
  return 2 * context.CountOfOutput(0) * context.CountOfInput(w) / static_cast<double>((*weights)[0].value());
}

Result<ConvCall> ReadConvCall(const RunContext& context, size_t x, size_t w) {
  const Layout layout = LayoutOf(context.attrs());
  ConvCall call;
  call.in = ViewImage(context.in(x).dims(), layout);
  call.weight = ViewImage(context.in(w).dims(), layout);
  call.out = ViewImage(context.out(0).dims(), layout);
  const size_t spatial = context.in(w).dims().size() - 2;
  const Ints kernel(call.weight.size.end() - static_cast<int64_t>(spatial), call.weight.size.end());
  SLIPWAY_ASSIGN_OR_RETURN(call.window, RunWindow(context, kernel, call.in, call.out));
  call.group = context.attrs().Int("group", 1);
  call.activation = ActivationOf(context.attrs());
  return call;
}

OpDef MakeConv() {
  OpDef op;
  op.name = "Conv";
  op.group = "nn";
  op.summary = "Convolution over 1 to 3 spatial axes, with groups, bias, residual and a fused activation.";
  op.formula =
      "y[n,o,p] = act(b[o] + sum_{i,k} w[o,i,k] * x[n, g(o)*I + i, p*stride - pad + k*dilation] + "
      "residual[n,o,p])";
  op.inputs = {{"x", kImageTypes, "[N,C,spatial...] or [N,spatial...,C]"},
               {"w", kImageTypes | DTypeSet{DType::kI4},
                "[O,C/group,spatial...] or [O,spatial...,C/group]; i8 with an f32 input: dynamic-range"},
               {"b", kBiasTypes, "[O]; i32 or i64 of scale x*w when quantised", Arity::kOptional},
               ResidualPort()};
  op.outputs = {{"y", kImageTypes, "[N,O,spatial...] or [N,spatial...,O], the type of x"}};
  op.attrs = WindowAttrs();
  op.attrs.push_back(LayoutAttr());
  op.attrs.push_back(
      IntAttr("group", 1, "groups of channels that do not mix; depthwise: as many as channels"));
  for (AttrDef& attr : ActivationAttrs()) op.attrs.push_back(std::move(attr));
  op.attrs.push_back(ResidualAttr());
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return ConvFlops(context, 1); };
  op.cases = ConvCases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "Conv", 1, INT_MAX, ImportOnnxConv},
                {Format::kTflite, "CONV_2D", 1, INT_MAX, ImportTfliteConv},
                {Format::kTflite, "DEPTHWISE_CONV_2D", 1, INT_MAX, ImportTfliteDepthwiseConv},
                {Format::kTflite, "CONV_3D", 1, INT_MAX, ImportTfliteConv3d},
                {Format::kTensorflow, "Conv2D", 1, INT_MAX, ImportTfConv},
                {Format::kTensorflow, "Conv3D", 1, INT_MAX, ImportTfConv},
                {Format::kTensorflow, "DepthwiseConv2dNative", 1, INT_MAX, ImportTfDepthwiseConv},
                {Format::kTensorflow, "_FusedConv2D", 1, INT_MAX, ImportTfFusedConv},
                {Format::kTensorflow, "FusedDepthwiseConv2dNative", 1, INT_MAX, ImportTfFusedDepthwiseConv},
                {Format::kTensorflow, "_FusedDepthwiseConv2dNative", 1, INT_MAX, ImportTfFusedDepthwiseConv}};
  for (ForeignRow& row : ContribConvRows()) op.foreign.push_back(std::move(row));
  return op;
}

}  // namespace slipway
