// Transposed convolution: every input pixel spreads its kernel over the output.
//
// Written as a gather: an output position collects the taps that reach it.
#include "ops/nn/conv_transpose.h"

#include "base/scalar.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

// Output extents asked for by the attribute (spatial) or the input (the whole shape); empty when neither
// does.
Result<DimList> WantedExtents(const InferContext& context, Layout layout, size_t rank) {
  const Ints& attr = context.attrs().IntList("output_shape");
  if (!attr.empty()) {
    // Some exporters write the whole shape.
    const DimList all(attr.begin(), attr.end());
    if (attr.size() == rank - 2) return all;
    if (attr.size() == rank) return SpatialOf(layout, all);
    return context.Error("output_shape has " + std::to_string(attr.size()) + " entries, needs " +
                         std::to_string(rank - 2));
  }
  if (!context.HasInput(3)) return DimList();
  const auto content = context.content(3);
  if (!content) return DimList(rank - 2);
  if (content->size() == rank) return SpatialOf(layout, *content);
  if (content->size() == rank - 2) return *content;
  return context.Error("output_shape has " + std::to_string(content->size()) + " entries, needs " +
                       std::to_string(rank));
}

bool HasWanted(const Attrs& attrs, const Node& node) {
  return !attrs.IntList("output_shape").empty() || node.HasInput(3);
}

bool IsSame(const Window& window) {
  return window.auto_pad == "SAME_UPPER" || window.auto_pad == "SAME_LOWER";
}

Result<Ints> OutputPadding(const Attrs& attrs, size_t spatial) {
  const Ints& given = attrs.IntList("output_padding");
  if (given.empty()) return Ints(spatial, 0);
  if (given.size() == spatial) return given;
  return Status(Code::kInvalidModel, "output_padding has " + std::to_string(given.size()) +
                                         " entries, needs " + std::to_string(spatial));
}

Result<DimList> OutputExtents(const InferContext& context, const Window& window, const DimList& in,
                              Layout layout) {
  SLIPWAY_ASSIGN_OR_RETURN(DimList out, WantedExtents(context, layout, in.size() + 2));
  if (!out.empty()) return out;
  auto padding = OutputPadding(context.attrs(), in.size());
  if (!padding.ok()) return context.Error(padding.status().message());
  for (int axis = 0; axis < window.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    const Dim stride(window.strides[i]);
    if (IsSame(window)) {
      out.push_back(in[i] * stride);
      continue;
    }
    const int64_t pads = window.auto_pad == "VALID" ? 0 : window.pads_begin[i] + window.pads_end[i];
    out.push_back((in[i] - Dim(1)) * stride + Dim((*padding)[i] + window.Extent(axis) - pads));
    if (out.back().IsKnown() && out.back().value() < 0)
      return context.Error("the output would be smaller than nothing");
  }
  return out;
}

struct Channels {
  Dim in, out;
};
// Channels that the weights speak of; group >= 1.
Channels WeightChannels(const DimList& w, Layout layout, int64_t group) {
  if (layout == Layout::kChannelsFirst) return {w[0], w[1] * Dim(group)};
  return {w.back() * Dim(group), w[0]};
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
  const int64_t group = context.attrs().Int("group", 1);
  if (group < 1) return context.Error("group is " + std::to_string(group) + "; it must be 1 or more");
  const Channels channels = WeightChannels(w, layout, group);
  const Dim& given = x[static_cast<size_t>(ChannelAxis(layout, static_cast<int>(x.size())))];
  if (given.IsKnown() && channels.in.IsKnown() && given.value() != channels.in.value()) {
    return context.Error("weights " + ToString(w) + " take " + channels.in.ToString() + " channels, input " +
                         ToString(x) + " has " + given.ToString());
  }
  const bool is_uneven = (given.IsKnown() && given.value() % group != 0) ||
                         (channels.out.IsKnown() && channels.out.value() % group != 0);
  if (is_uneven) return context.Error("the channels do not divide into " + std::to_string(group) + " groups");
  if (context.HasInput(2) && context.shape(2)) {
    const DimList& b = *context.shape(2);
    const bool is_wrong =
        b.size() != 1 || (b[0].IsKnown() && channels.out.IsKnown() && b[0].value() != channels.out.value());
    if (is_wrong)
      return context.Error("bias is " + ToString(b) + ", needs [" + channels.out.ToString() + "]");
  }
  const DimList kernel = SpatialOf(layout, w);
  if (!AllKnown(kernel)) {
    context.SetOutput(0, dtype, ImageShape(layout, x[0], channels.out, DimList(kernel.size())));
    return Status::Ok();
  }
  auto window = ReadWindow(context.attrs(), KnownDims(kernel));
  if (!window.ok()) return context.Error(window.status().message());
  SLIPWAY_ASSIGN_OR_RETURN(const DimList spatial,
                           OutputExtents(context, *window, SpatialOf(layout, x), layout));
  context.SetOutput(0, dtype, ImageShape(layout, x[0], channels.out, spatial));
  return Status::Ok();
}

Result<ConvTransposeCall> ReadCall(const RunContext& context) {
  const Layout layout = LayoutOf(context.attrs());
  ConvTransposeCall call;
  call.in = ViewImage(context.in(0).dims(), layout);
  call.out = ViewImage(context.out(0).dims(), layout);
  call.group = context.attrs().Int("group", 1);
  call.activation = ActivationOf(context.attrs());
  const ImageView weight = ViewImage(context.in(1).dims(), layout);
  call.stride_k = weight.stride;
  const bool is_first = layout == Layout::kChannelsFirst;
  call.stride_in = is_first ? weight.stride_n : weight.stride_c;
  call.stride_out = is_first ? weight.stride_c : weight.stride_n;
  call.group_stride =
      is_first ? call.ins_per_group() * call.stride_in : call.outs_per_group() * call.stride_out;
  const size_t spatial = context.in(0).dims().size() - 2;
  const Ints kernel(weight.size.end() - static_cast<int64_t>(spatial), weight.size.end());
  SLIPWAY_ASSIGN_OR_RETURN(
      call.window, TransposedWindow(context.node(), kernel, std::span(call.in.size).subspan(3 - spatial),
                                    std::span(call.out.size).subspan(3 - spatial)));
  return call;
}

Status Reference(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ConvTransposeCall call, ReadCall(context));
  if (IsInteger(context.in(0).dtype())) return RunQuantizedConvTranspose(context, call);
  if (IsInteger(context.in(1).dtype())) return context.Error("integer weights need an integer input");
  const std::vector<double> x = Reals(context.in(0));
  const std::vector<double> w = Reals(context.in(1));
  const std::vector<double> b = context.HasInput(2) ? Reals(context.in(2)) : std::vector<double>();
  Tensor& y = context.out(0);
  int64_t at[3];
  for (int64_t n = 0; n < call.out.n; ++n) {
    for (int64_t oc = 0; oc < call.out.c; ++oc) {
      for (at[0] = 0; at[0] < call.out.size[0]; ++at[0]) {
        for (at[1] = 0; at[1] < call.out.size[1]; ++at[1]) {
          for (at[2] = 0; at[2] < call.out.size[2]; ++at[2]) {
            double sum = b.empty() ? 0 : b[static_cast<size_t>(oc)];
            call.ForEachTap(n, oc, at, [&](int64_t i, int64_t k) {
              sum += x[static_cast<size_t>(i)] * w[static_cast<size_t>(k)];
            });
            StoreReal(y.dtype(), y.data(), call.out.At(n, oc, at[0], at[1], at[2]),
                      ApplyActivation(call.activation, sum));
          }
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace

Result<Window3> TransposedWindow(const Node& node, const Ints& kernel, std::span<const int64_t> in,
                                 std::span<const int64_t> out) {
  SLIPWAY_ASSIGN_OR_RETURN(Window window, ReadWindow(node.attrs, kernel));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints padding, OutputPadding(node.attrs, kernel.size()));
  if (window.auto_pad == "NOTSET" && !HasWanted(node.attrs, node)) return ToThree(window);
  // The output has the extents it has: pads cut off the rest of the full spread.
  for (int axis = 0; axis < window.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    const int64_t full = (in[i] - 1) * window.strides[i] + padding[i] + window.Extent(axis);
    const int64_t total = window.auto_pad == "VALID" ? 0 : std::max<int64_t>(full - out[i], 0);
    window.pads_begin[i] = window.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
  }
  return ToThree(window);
}

OpDef MakeConvTranspose() {
  OpDef op;
  op.name = "ConvTranspose";
  op.group = "nn";
  op.summary = "Transposed convolution over 1 to 3 spatial axes, with groups, bias and a fused activation.";
  op.formula = "y[n,o,p*stride - pad + k*dilation] += w[i,o,k] * x[n,i,p]";
  const DTypeSet images = kFloats | DTypeSet{DType::kI8, DType::kU8, DType::kI16};
  op.inputs = {{"x", images, "[N,C,spatial...] or [N,spatial...,C]"},
               {"w", images, "channels_first: [C,O/group,spatial...]; channels_last: [O,spatial...,C/group]"},
               {"b", kFloats | DTypeSet{DType::kI32, DType::kI64}, "[O]", Arity::kOptional},
               {"output_shape", kIndices, "the shape of y, or its spatial part", Arity::kOptional}};
  op.outputs = {{"y", images, "the type of x"}};
  op.attrs = WindowAttrs();
  op.attrs.push_back(LayoutAttr());
  op.attrs.push_back(IntAttr("group", 1, "groups of channels that do not mix"));
  op.attrs.push_back(IntsAttr("output_padding", {}, "added to the end of every spatial axis; empty: zeros"));
  op.attrs.push_back(IntsAttr("output_shape", {}, "spatial extents of y; pads are then computed"));
  for (AttrDef& attr : ActivationAttrs()) op.attrs.push_back(std::move(attr));
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    const auto& w = context.shape(1);
    if (!w || w->empty()) return 0.0;
    const Dim& first = (*w)[0];
    const bool is_first = LayoutOf(context.attrs()) == Layout::kChannelsFirst;
    const double pixels = is_first ? context.CountOfInput(0) : context.CountOfOutput(0);
    return first.IsKnown() && first.value() > 0
               ? 2 * pixels * context.CountOfInput(1) / static_cast<double>(first.value())
               : 0.0;
  };
  op.cases = ConvTransposeCases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "ConvTranspose"},
                {Format::kTflite, "TRANSPOSE_CONV", 1, INT_MAX, ImportTfliteConvTranspose},
                {Format::kTflite, "CONV_3D_TRANSPOSE", 1, INT_MAX, ImportTfliteConvTranspose3d},
                {Format::kTflite, "Convolution2DTransposeBias", 1, INT_MAX, ImportMediapipeConvTranspose},
                {Format::kTensorflow, "Conv2DBackpropInput", 1, INT_MAX, ImportTfConvTranspose}};
  return op;
}

}  // namespace slipway
