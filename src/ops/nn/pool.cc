#include "ops/nn/pool.h"

namespace slipway {

std::vector<AttrDef> PoolAttrs() {
  std::vector<AttrDef> attrs = {Required(IntsAttr("kernel_shape", {}, "window per spatial axis")),
                                IntAttr("ceil_mode", 0, "1: round the output extent up"), LayoutAttr()};
  for (AttrDef& attr : WindowAttrs()) attrs.push_back(std::move(attr));
  for (AttrDef& attr : ActivationAttrs()) attrs.push_back(std::move(attr));
  return attrs;
}

Status InferPool(InferContext& context) {
  const DType dtype = context.dtype(0);
  context.SetOutput(0, Type::OfUnknownShape(dtype));
  context.SetOutput(1, Type::OfUnknownShape(DType::kI64));
  if (!context.shape(0)) return Status::Ok();
  const DimList& x = *context.shape(0);
  if (x.size() < 3 || x.size() > 5)
    return context.Error("input " + ToString(x) + " must have 1 to 3 spatial axes");
  auto window = ReadWindow(context.attrs(), context.attrs().IntList("kernel_shape"));
  if (!window.ok()) return context.Error(window.status().message());
  const Layout layout = LayoutOf(context.attrs());
  SLIPWAY_ASSIGN_OR_RETURN(const DimList spatial, SlideWindow(context, *window, SpatialOf(layout, x)));
  const Dim& channels = x[static_cast<size_t>(ChannelAxis(layout, static_cast<int>(x.size())))];
  context.SetOutput(0, dtype, ImageShape(layout, x[0], channels, spatial));
  context.SetOutput(1, DType::kI64, ImageShape(layout, x[0], channels, spatial));
  return Status::Ok();
}

Result<PoolCall> ReadPoolCall(const RunContext& context) {
  const Layout layout = LayoutOf(context.attrs());
  PoolCall call;
  call.in = ViewImage(context.in(0).dims(), layout);
  call.out = ViewImage(context.out(0).dims(), layout);
  SLIPWAY_ASSIGN_OR_RETURN(call.window,
                           RunWindow(context, context.attrs().IntList("kernel_shape"), call.in, call.out));
  call.activation = ActivationOf(context.attrs());
  return call;
}

double PoolFlops(const InferContext& context) {
  double taps = 1;
  for (int64_t extent : context.attrs().IntList("kernel_shape")) taps *= static_cast<double>(extent);
  return taps * context.CountOfOutput(0);
}

namespace {

struct Shape {
  const char* label;
  Dims image;  // channels first
  Attrs attrs;
};

const std::vector<Shape>& Shapes() {
  const std::string same = "SAME_UPPER";
  static const std::vector<Shape> shapes = {
      {"2x2", {1, 8, 8, 8}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}},
      {"3x3_padded",
       {2, 19, 9, 11},
       {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}},
      {"3x3_same",
       {1, 33, 10, 7},
       {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"auto_pad", same}}},
      {"same_lower",
       {1, 5, 8, 8},
       {{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 1}}, {"auto_pad", std::string("SAME_LOWER")}}},
      {"5x5_stride1", {1, 16, 13, 13}, {{"kernel_shape", Ints{5, 5}}, {"pads", Ints{2, 2, 2, 2}}}},
      {"ceil",
       {1, 3, 10, 10},
       {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", int64_t{1}}}},
      {"dilated", {1, 4, 12, 12}, {{"kernel_shape", Ints{3, 3}}, {"dilations", Ints{2, 2}}}},
      {"whole_image", {1, 70, 7, 7}, {{"kernel_shape", Ints{7, 7}}}},
      {"uneven",
       {1, 6, 9, 14},
       {{"kernel_shape", Ints{1, 4}}, {"strides", Ints{1, 3}}, {"pads", Ints{0, 1, 0, 2}}}},
  };
  return shapes;
}

TestCase CaseOf(const Shape& shape, Layout layout, DType dtype, const char* activation) {
  const bool is_last = layout == Layout::kChannelsLast;
  Dims dims = shape.image;
  if (is_last) dims = {dims[0], dims[2], dims[3], dims[1]};
  Attrs attrs = shape.attrs;
  attrs.Set("layout", std::string(is_last ? "channels_last" : "channels_first"));
  attrs.Set("activation", std::string(activation));
  TestCase test{std::string(shape.label) + (is_last ? "_nhwc_" : "_nchw_") + std::string(DTypeName(dtype)) +
                    "_" + activation,
                {{.dtype = dtype, .dims = dims}},
                attrs};
  if (!IsInteger(dtype)) return test;
  const Quant quant{{0.05F}, {dtype == DType::kU8 ? 120 : dtype == DType::kI8 ? -3 : 0}, -1};
  test.inputs[0].low = dtype == DType::kU8 ? 0 : dtype == DType::kI8 ? -128 : -32768;
  test.inputs[0].high = dtype == DType::kU8 ? 255 : dtype == DType::kI8 ? 127 : 32767;
  test.inputs[0].quant = quant;
  test.outputs_quant = {quant};
  return test;
}

}  // namespace

std::vector<TestCase> PoolCases(PoolDomain domain) {
  std::vector<TestCase> cases;
  for (const Shape& shape : Shapes()) {
    cases.push_back(CaseOf(shape, Layout::kChannelsFirst, DType::kF32, "none"));
    cases.push_back(CaseOf(shape, Layout::kChannelsLast, DType::kF32, "relu6"));
    if (domain == PoolDomain::kFloatOnly) continue;
    cases.push_back(CaseOf(shape, Layout::kChannelsLast, DType::kI8, "none"));
    cases.push_back(CaseOf(shape, Layout::kChannelsLast, DType::kU8, "relu"));
    cases.push_back(CaseOf(shape, Layout::kChannelsLast, DType::kI16, "none"));
  }
  cases.push_back({"1d", {{.dims = {2, 5, 31}}}, {{"kernel_shape", Ints{4}}, {"strides", Ints{3}}}});
  cases.push_back(
      {"3d", {{.dims = {1, 3, 6, 7, 8}}}, {{"kernel_shape", Ints{2, 3, 2}}, {"strides", Ints{2, 2, 2}}}});
  return cases;
}

Status ImportTflitePool(ImportContext& context) {
  Attrs attrs;
  SLIPWAY_RETURN_IF_ERROR(AddTfliteWindow(context, attrs));
  SLIPWAY_RETURN_IF_ERROR(AddTfliteActivation(context, attrs));
  attrs.Set("kernel_shape",
            Ints{context.attrs().Int("filter_height", 1), context.attrs().Int("filter_width", 1)});
  return context.Emit(context.op().name, {context.in(0)}, std::move(attrs));
}

Status ImportTfPool(ImportContext& context) {
  Attrs attrs;
  SLIPWAY_RETURN_IF_ERROR(AddTfWindow(context, attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints kernel, TfSpatial(context, "ksize"));
  attrs.Set("kernel_shape", kernel);
  return context.Emit(context.op().name, {context.in(0)}, std::move(attrs));
}

}  // namespace slipway
