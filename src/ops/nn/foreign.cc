#include "ops/nn/foreign.h"

namespace slipway {

Status AddTfliteActivation(const ImportContext& context, Attrs& attrs) {
  const std::string& name = context.attrs().String("fused_activation_function");
  const std::string_view ours = ActivationFromTflite(name);
  if (ours.empty()) return context.Unsupported("fused activation " + name + " is unknown");
  attrs.Set("activation", std::string(ours));
  return Status::Ok();
}

Status AddTfliteWindow(const ImportContext& context, Attrs& attrs) {
  const Attrs& given = context.attrs();
  attrs.Set("layout", std::string("channels_last"));
  attrs.Set("strides", Ints{given.Int("stride_h", 1), given.Int("stride_w", 1)});
  const Ints dilations = {given.Int("dilation_h_factor", 1), given.Int("dilation_w_factor", 1)};
  if (dilations != Ints{1, 1}) attrs.Set("dilations", dilations);
  const std::string& padding = given.String("padding");
  if (padding != "SAME" && padding != "VALID" && !padding.empty()) {
    return context.Unsupported("padding " + padding + " is unknown");
  }
  attrs.Set("auto_pad", std::string(padding == "VALID" ? "VALID" : "SAME_UPPER"));
  return Status::Ok();
}

Status AddTfliteWindow3d(const ImportContext& context, Attrs& attrs) {
  SLIPWAY_RETURN_IF_ERROR(AddTfliteWindow(context, attrs));
  const Attrs& given = context.attrs();
  attrs.Set("strides", Ints{given.Int("stride_d", 1), given.Int("stride_h", 1), given.Int("stride_w", 1)});
  const Ints dilations = {given.Int("dilation_d_factor", 1), given.Int("dilation_h_factor", 1),
                          given.Int("dilation_w_factor", 1)};
  attrs.Remove("dilations");
  if (dilations != Ints{1, 1, 1}) attrs.Set("dilations", dilations);
  return Status::Ok();
}

Layout TfLayout(const ImportContext& context) {
  const std::string& format = context.attrs().String("data_format");
  return format.rfind("NC", 0) == 0 ? Layout::kChannelsFirst : Layout::kChannelsLast;
}

Result<Ints> TfSpatial(const ImportContext& context, const std::string& name) {
  const Ints& all = context.attrs().IntList(name);
  if (all.empty()) return Ints{};
  if (all.size() < 3)
    return context.Error(name + " has " + std::to_string(all.size()) + " entries, needs 4 or more");
  const Layout layout = TfLayout(context);
  const auto channel = static_cast<size_t>(ChannelAxis(layout, static_cast<int>(all.size())));
  if (all[0] != 1 || all[channel] != 1)
    return context.Unsupported(name + " over batch or channels must be 1");
  const auto first = all.begin() + FirstSpatialAxis(layout);
  return Ints(first, first + static_cast<int64_t>(all.size()) - 2);
}

namespace {

// [begin, end] per axis, batch and channels included, as all begins, then all ends, of the spatial axes.
Result<Ints> ExplicitPads(const ImportContext& context, Layout layout) {
  const Ints& given = context.attrs().IntList("explicit_paddings");
  if (given.size() < 6 || given.size() % 2 != 0)
    return context.Error("explicit_paddings must have 2 entries per axis");
  const size_t spatial = given.size() / 2 - 2;
  const auto first = static_cast<size_t>(FirstSpatialAxis(layout));
  Ints pads(2 * spatial);
  for (size_t i = 0; i < spatial; ++i) {
    pads[i] = given[2 * (first + i)];
    pads[spatial + i] = given[2 * (first + i) + 1];
  }
  return pads;
}

}  // namespace

Status AddTfWindow(const ImportContext& context, Attrs& attrs) {
  const Layout layout = TfLayout(context);
  attrs.Set("layout", std::string(layout == Layout::kChannelsFirst ? "channels_first" : "channels_last"));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints strides, TfSpatial(context, "strides"));
  attrs.Set("strides", strides);
  SLIPWAY_ASSIGN_OR_RETURN(const Ints dilations, TfSpatial(context, "dilations"));
  if (dilations != Ints(dilations.size(), 1)) attrs.Set("dilations", dilations);
  const std::string& padding = context.attrs().String("padding");
  if (padding == "EXPLICIT") {
    SLIPWAY_ASSIGN_OR_RETURN(const Ints pads, ExplicitPads(context, layout));
    attrs.Set("pads", pads);
    return Status::Ok();
  }
  if (padding != "SAME" && padding != "VALID")
    return context.Unsupported("padding '" + padding + "' is unknown");
  attrs.Set("auto_pad", std::string(padding == "SAME" ? "SAME_UPPER" : "VALID"));
  return Status::Ok();
}

Result<ValueId> TfFilter(ImportContext& context, ValueId filter, Layout layout) {
  const Type& type = context.type(filter);
  if (!type.HasRank() || type.rank() < 3 || type.rank() > 5)
    return context.Error("the filter's rank must be 3 to 5");
  const int rank = type.rank();
  Ints permutation;
  permutation.push_back(rank - 1);
  if (layout == Layout::kChannelsFirst) permutation.push_back(rank - 2);
  for (int64_t axis = 0; axis < rank - 2; ++axis) permutation.push_back(axis);
  if (layout == Layout::kChannelsLast) permutation.push_back(rank - 2);
  return context.Transposed(filter, permutation);
}

Result<ValueId> ReshapedTo(ImportContext& context, ValueId value, const Dims& dims) {
  const Tensor* tensor = context.constant(value);
  if (tensor == nullptr) return context.Add("Reshape", {value, context.ConstInts(dims)});
  if (tensor->count() != CountOf(dims)) {
    return context.Error("cannot view " + Describe(*tensor) + " as " + ToString(dims));
  }
  const Value& source = context.builder().graph().value(value);
  return context.builder().Constant(source.name + "/reshaped", tensor->Reshaped(dims), source.quant);
}

Result<ValueId> TfDepthwiseFilter(ImportContext& context, ValueId filter, Layout layout) {
  const Type& type = context.type(filter);
  if (!type.IsStatic() || type.rank() != 4) {
    return context.Unsupported("the filter must have 4 known dimensions, has " + ToString(type));
  }
  const Dims dims = KnownDims(*type.shape);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId flat,
                           ReshapedTo(context, filter, {dims[0], dims[1], 1, dims[2] * dims[3]}));
  return TfFilter(context, flat, layout);
}

Result<TfFusion> ReadTfFusion(const ImportContext& context) {
  TfFusion fusion;
  for (const std::string& op : context.attrs().StringList("fused_ops")) {
    if (op == "BiasAdd") {
      fusion.has_bias = true;
    } else if (op == "Relu" || op == "Relu6" || op == "Tanh" || op == "Sigmoid") {
      fusion.attrs.Set("activation", std::string(1, static_cast<char>(op[0] + ('a' - 'A'))) + op.substr(1));
    } else if (op == "LeakyRelu") {
      fusion.attrs.Set("activation", std::string("leaky_relu"));
      fusion.attrs.Set("activation_alpha", context.attrs().Float("leakyrelu_alpha", 0.2F));
    } else if (op == "Elu") {
      fusion.then = "Elu";
    } else if (op == "Prelu" || op == "_Prelu") {
      fusion.then = "PRelu";
    } else {
      return context.Unsupported("fused operator " + op + " is not supported");
    }
  }
  return fusion;
}

namespace {

// A value per channel in a shape that broadcasts over [N,C,...].
Result<ValueId> OverChannels(ImportContext& context, ValueId vector, int rank) {
  const Type& type = context.type(vector);
  if (!type.IsStatic() || type.rank() != 1)
    return context.Unsupported("the bias must be a vector of known length, is " + ToString(type));
  Dims dims(static_cast<size_t>(rank) - 1, 1);
  dims[0] = (*type.shape)[0].value();
  return ReshapedTo(context, vector, dims);
}

Status ImportBiasAdd(ImportContext& context) {
  const Type& type = context.type(context.in(0));
  if (TfLayout(context) == Layout::kChannelsLast) return context.Emit("Add", {context.in(0), context.in(1)});
  if (!type.HasRank() || type.rank() < 2)
    return context.Unsupported("the input's rank must be known: " + ToString(type));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId bias, OverChannels(context, context.in(1), type.rank()));
  return context.Emit("Add", {context.in(0), bias});
}

// ONNX's early Affine: y = alpha * x + beta.
Status ImportAffine(ImportContext& context) {
  const auto scalar = [&context](const char* name) {
    return context.builder().Scalar(DType::kF32, static_cast<double>(context.attrs().Float(name, 1)));
  };
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId scaled, context.Add("Mul", {context.in(0), scalar("alpha")}));
  return context.Emit("Add", {scaled, scalar("beta")});
}

// ONNX's early ImageScaler: y = scale * x + bias[c] on [N,C,H,W].
Status ImportImageScaler(ImportContext& context) {
  const Floats& bias = context.attrs().FloatList("bias");
  const auto channels = static_cast<int64_t>(bias.size());
  const ValueId scale =
      context.builder().Scalar(DType::kF32, static_cast<double>(context.attrs().Float("scale", 1)));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId scaled, context.Add("Mul", {context.in(0), scale}));
  return context.Emit("Add",
                      {scaled, context.Const(Tensor::From<float>(DType::kF32, {channels, 1, 1}, bias))});
}

}  // namespace

ForeignRows ScaleRows() {
  return {{Format::kTensorflow, "BiasAdd", 1, INT_MAX, ImportBiasAdd},
          {Format::kTensorflow, "BiasAddV1", 1, INT_MAX, ImportBiasAdd},
          {Format::kOnnx, "Affine", 1, INT_MAX, ImportAffine},
          {Format::kOnnx, "ImageScaler", 1, INT_MAX, ImportImageScaler}};
}

// ONNX's early Crop on [N,C,H,W]: border is left, top, right, bottom; scale, when there, the extents kept.
Status ImportCrop(ImportContext& context) {
  const Ints& border = context.attrs().IntList("border");
  const Ints& scale = context.attrs().IntList("scale");
  if (border.size() != 4)
    return context.Error("border has " + std::to_string(border.size()) + " entries, needs 4");
  if (!scale.empty() && scale.size() != 2)
    return context.Error("scale has " + std::to_string(scale.size()) + " entries, needs 2");
  const Ints starts = {border[1], border[0]};
  // A negative end counts from the end of the axis; 0 there would mean its beginning.
  const auto end = [](int64_t cut) { return cut == 0 ? INT64_MAX : -cut; };
  const Ints ends =
      scale.empty() ? Ints{end(border[3]), end(border[2])} : Ints{border[1] + scale[0], border[0] + scale[1]};
  return context.Emit("Slice", {context.in(0), context.ConstInts(starts), context.ConstInts(ends),
                                context.ConstInts({2, 3})});
}

}  // namespace slipway
