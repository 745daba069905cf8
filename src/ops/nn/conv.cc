// N-dimensional convolution (cross-correlation) with groups, fused bias and activation.
//
// Quantised operands follow TFLite's reference kernels (conv_quant.cc).
#include "ops/nn/conv.h"

#include "base/scalar.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

constexpr DTypeSet kImageTypes = kFloats | DTypeSet{DType::kI8, DType::kU8, DType::kI16};
constexpr DTypeSet kBiasTypes = kFloats | DTypeSet{DType::kI32, DType::kI64};

Status CheckWeights(const InferContext& context, const DimList& x, const DimList& w, Layout layout) {
  const int64_t group = context.attrs().Int("group", 1);
  if (group < 1) return context.Error("group is " + std::to_string(group) + "; it must be 1 or more");
  const Dim& channels = x[static_cast<size_t>(ChannelAxis(layout, static_cast<int>(x.size())))];
  const Dim& depth = w[static_cast<size_t>(ChannelAxis(layout, static_cast<int>(w.size())))];
  if (channels.IsKnown() && depth.IsKnown() && channels.value() != depth.value() * group) {
    return context.Error("weights " + ToString(w) + " take " + std::to_string(depth.value() * group) + " channels in " +
                             std::to_string(group) + " groups, input " + ToString(x) + " has " + channels.ToString(),
                         "check the layout (" + context.attrs().String("layout") + ") and group");
  }
  if (w[0].IsKnown() && w[0].value() % group != 0) {
    return context.Error(w[0].ToString() + " output channels do not divide into " + std::to_string(group) + " groups");
  }
  if (context.HasInput(2) && context.shape(2)) {
    const DimList& b = *context.shape(2);
    const bool is_wrong = b.size() != 1 || (b[0].IsKnown() && w[0].IsKnown() && b[0].value() != w[0].value());
    if (is_wrong) return context.Error("bias is " + ToString(b) + ", needs [" + w[0].ToString() + "]");
  }
  return Status::Ok();
}

Status Infer(InferContext& context) {
  const DType dtype = context.dtype(0);
  context.SetOutput(0, Type::OfUnknownShape(dtype));
  if (!context.shape(0) || !context.shape(1)) return Status::Ok();
  const DimList& x = *context.shape(0);
  const DimList& w = *context.shape(1);
  if (x.size() < 3 || x.size() > 5 || w.size() != x.size()) {
    return context.Error("input " + ToString(x) + " and weights " + ToString(w) +
                         " must have one rank, with 1 to 3 spatial axes");
  }
  const Layout layout = LayoutOf(context.attrs());
  SLIPWAY_RETURN_IF_ERROR(CheckWeights(context, x, w, layout));
  const DimList kernel = SpatialOf(layout, w);
  if (!AllKnown(kernel)) {
    context.SetOutput(0, dtype, ImageShape(layout, x[0], w[0], DimList(kernel.size())));
    return Status::Ok();
  }
  auto window = ReadWindow(context.attrs(), KnownDims(kernel));
  if (!window.ok()) return context.Error(window.status().message());
  SLIPWAY_ASSIGN_OR_RETURN(const DimList spatial, SlideWindow(context, *window, SpatialOf(layout, x)));
  context.SetOutput(0, dtype, ImageShape(layout, x[0], w[0], spatial));
  return Status::Ok();
}

// The sum at one output element, without bias.
template <class T>
double Accumulate(const ConvCall& call, const T* x, const T* w, int64_t n, int64_t oc, const int64_t* at) {
  const int64_t first = oc / (call.out.c / call.group) * call.weight.c;  // of the group's input channels
  double sum = 0;
  for (int64_t kz = 0; kz < call.window.kernel[0]; ++kz) {
    const int64_t iz = at[0] * call.window.stride[0] - call.window.pad[0] + kz * call.window.dilation[0];
    if (iz < 0 || iz >= call.in.size[0]) continue;
    for (int64_t ky = 0; ky < call.window.kernel[1]; ++ky) {
      const int64_t iy = at[1] * call.window.stride[1] - call.window.pad[1] + ky * call.window.dilation[1];
      if (iy < 0 || iy >= call.in.size[1]) continue;
      for (int64_t kx = 0; kx < call.window.kernel[2]; ++kx) {
        const int64_t ix = at[2] * call.window.stride[2] - call.window.pad[2] + kx * call.window.dilation[2];
        if (ix < 0 || ix >= call.in.size[2]) continue;
        const T* pixel = x + call.in.At(n, first, iz, iy, ix);
        const T* tap = w + call.weight.At(oc, 0, kz, ky, kx);
        for (int64_t c = 0; c < call.weight.c; ++c) {
          sum += static_cast<double>(pixel[c * call.in.stride_c]) * static_cast<double>(tap[c * call.weight.stride_c]);
        }
      }
    }
  }
  return sum;
}

template <class T>
void RunReal(const ConvCall& call, const Tensor& x, const Tensor& w, const Tensor& b, Tensor& y) {
  for (int64_t n = 0; n < call.out.n; ++n) {
    for (int64_t oc = 0; oc < call.out.c; ++oc) {
      const double bias = b.IsNone() ? 0 : static_cast<double>(b.as<T>()[oc]);
      int64_t at[3];
      for (at[0] = 0; at[0] < call.out.size[0]; ++at[0]) {
        for (at[1] = 0; at[1] < call.out.size[1]; ++at[1]) {
          for (at[2] = 0; at[2] < call.out.size[2]; ++at[2]) {
            const double sum = Accumulate(call, x.as<T>(), w.as<T>(), n, oc, at) + bias;
            y.as<T>()[call.out.At(n, oc, at[0], at[1], at[2])] =
                static_cast<T>(ApplyActivation(call.activation, sum));
          }
        }
      }
    }
  }
}

Status Reference(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ConvCall call, ReadConvCall(context));
  const Tensor& x = context.in(0);
  const bool has_integer_weights = IsInteger(context.in(1).dtype());
  if (IsInteger(x.dtype())) return RunQuantizedConv(context, call);
  if (has_integer_weights) return RunHybridConv(context, call);
  Tensor& y = context.out(0);
  const Tensor bias = context.HasInput(2) ? context.in(2) : Tensor();
  if (x.dtype() == DType::kF32 && context.in(1).dtype() == DType::kF32) {
    RunReal<float>(call, x, context.in(1), bias.IsNone() ? bias : ConvertTensor(bias, DType::kF32), y);
    return Status::Ok();
  }
  Tensor wide(DType::kF64, y.dims());
  RunReal<double>(call, ConvertTensor(x, DType::kF64), ConvertTensor(context.in(1), DType::kF64),
                  bias.IsNone() ? bias : ConvertTensor(bias, DType::kF64), wide);
  StoreTensor(wide, y);
  return Status::Ok();
}

}  // namespace

Result<ConvCall> ReadConvCall(const RunContext& context) {
  const Layout layout = LayoutOf(context.attrs());
  ConvCall call;
  call.in = ViewImage(context.in(0).dims(), layout);
  call.weight = ViewImage(context.in(1).dims(), layout);
  call.out = ViewImage(context.out(0).dims(), layout);
  const size_t spatial = context.in(1).dims().size() - 2;
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
  op.summary = "Convolution over 1 to 3 spatial axes, with groups, bias and a fused activation.";
  op.formula = "y[n,o,p] = act(b[o] + sum_{i,k} w[o,i,k] * x[n, g(o)*I + i, p*stride - pad + k*dilation])";
  op.inputs = {{"x", kImageTypes, "[N,C,spatial...] or [N,spatial...,C]"},
               {"w", kImageTypes | DTypeSet{DType::kI4},
                "[O,C/group,spatial...] or [O,spatial...,C/group]; i8 with an f32 input: dynamic-range"},
               {"b", kBiasTypes, "[O]; i32 or i64 of scale x*w when quantised", Arity::kOptional}};
  op.outputs = {{"y", kImageTypes, "[N,O,spatial...] or [N,spatial...,O], the type of x"}};
  op.attrs = WindowAttrs();
  op.attrs.push_back(LayoutAttr());
  op.attrs.push_back(IntAttr("group", 1, "groups of channels that do not mix; depthwise: as many as channels"));
  for (AttrDef& attr : ActivationAttrs()) op.attrs.push_back(std::move(attr));
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    const auto& w = context.shape(1);
    if (!w || w->empty() || !(*w)[0].IsKnown() || (*w)[0].value() == 0) return 0.0;
    return 2 * context.CountOfOutput(0) * context.CountOfInput(1) / static_cast<double>((*w)[0].value());
  };
  op.cases = ConvCases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "Conv", 1, INT_MAX, ImportOnnxConv},
                {Format::kTflite, "CONV_2D", 1, INT_MAX, ImportTfliteConv},
                {Format::kTflite, "DEPTHWISE_CONV_2D", 1, INT_MAX, ImportTfliteDepthwiseConv},
                {Format::kTensorflow, "Conv2D", 1, INT_MAX, ImportTfConv},
                {Format::kTensorflow, "Conv3D", 1, INT_MAX, ImportTfConv},
                {Format::kTensorflow, "DepthwiseConv2dNative", 1, INT_MAX, ImportTfDepthwiseConv},
                {Format::kTensorflow, "_FusedConv2D", 1, INT_MAX, ImportTfFusedConv},
                {Format::kTensorflow, "FusedDepthwiseConv2dNative", 1, INT_MAX, ImportTfFusedDepthwiseConv},
                {Format::kTensorflow, "_FusedDepthwiseConv2dNative", 1, INT_MAX, ImportTfFusedDepthwiseConv}};
  return op;
}

}  // namespace slipway
