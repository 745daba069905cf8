// The domain over which fast convolutions are held against the reference.
#include "ops/nn/conv.h"

namespace slipway {
namespace {

struct Shape {
  const char* label;
  int64_t n, c, h, w, o, kh, kw;
  int64_t group = 1;
  Attrs attrs = {};
};

const std::vector<Shape>& Shapes() {
  static const std::vector<Shape> shapes = {
      {"pointwise", 1, 16, 7, 9, 24, 1, 1},
      {"pointwise_tail", 2, 3, 5, 5, 7, 1, 1},
      {"pointwise_wide", 1, 33, 13, 13, 65, 1, 1},
      {"pointwise_strided", 1, 8, 9, 9, 8, 1, 1, 1, {{"strides", Ints{2, 2}}}},
      {"3x3_valid", 1, 3, 11, 13, 8, 3, 3},
      {"3x3_padded", 1, 8, 10, 10, 16, 3, 3, 1, {{"pads", Ints{1, 1, 1, 1}}}},
      {"3x3_same_stride2",
       1,
       3,
       17,
       16,
       19,
       3,
       3,
       1,
       {{"auto_pad", std::string("SAME_UPPER")}, {"strides", Ints{2, 2}}}},
      {"3x3_same_lower",
       1,
       5,
       8,
       8,
       5,
       3,
       3,
       1,
       {{"auto_pad", std::string("SAME_LOWER")}, {"strides", Ints{2, 2}}}},
      {"3x3_dilated", 1, 4, 15, 15, 6, 3, 3, 1, {{"dilations", Ints{2, 3}}, {"pads", Ints{2, 3, 2, 3}}}},
      {"5x3_uneven", 2, 6, 12, 9, 10, 5, 3, 1, {{"pads", Ints{2, 0, 1, 1}}, {"strides", Ints{3, 1}}}},
      {"7x7_stem", 1, 3, 20, 20, 12, 7, 7, 1, {{"strides", Ints{2, 2}}, {"pads", Ints{3, 3, 3, 3}}}},
      {"1x7", 1, 7, 4, 21, 9, 1, 7, 1, {{"pads", Ints{0, 3, 0, 3}}}},
      {"padding_beyond_kernel", 1, 2, 3, 3, 3, 3, 3, 1, {{"pads", Ints{4, 4, 4, 4}}}},
      {"grouped", 1, 8, 9, 9, 12, 3, 3, 4, {{"pads", Ints{1, 1, 1, 1}}}},
      {"depthwise_3x3", 1, 19, 12, 11, 19, 3, 3, 19, {{"pads", Ints{1, 1, 1, 1}}}},
      {"depthwise_stride2",
       1,
       32,
       15,
       15,
       32,
       3,
       3,
       32,
       {{"auto_pad", std::string("SAME_UPPER")}, {"strides", Ints{2, 2}}}},
      {"depthwise_5x5", 2, 16, 9, 9, 16, 5, 5, 16, {{"pads", Ints{2, 2, 2, 2}}}},
      {"depthwise_multiplier", 1, 6, 8, 8, 18, 3, 3, 6, {{"pads", Ints{1, 1, 1, 1}}}},
      {"depthwise_dilated",
       1,
       8,
       14,
       14,
       8,
       3,
       3,
       8,
       {{"dilations", Ints{2, 2}}, {"pads", Ints{2, 2, 2, 2}}}},
      {"one_pixel", 1, 64, 1, 1, 31, 1, 1},
  };
  return shapes;
}

Dims ImageDims(const Shape& s, Layout layout) {
  return layout == Layout::kChannelsFirst ? Dims{s.n, s.c, s.h, s.w} : Dims{s.n, s.h, s.w, s.c};
}
Dims WeightDims(const Shape& s, Layout layout) {
  const int64_t depth = s.c / s.group;
  return layout == Layout::kChannelsFirst ? Dims{s.o, depth, s.kh, s.kw} : Dims{s.o, s.kh, s.kw, depth};
}

Attrs AttrsOf(const Shape& shape, Layout layout, const char* activation) {
  Attrs attrs = shape.attrs;
  attrs.Set("group", shape.group);
  attrs.Set("layout", std::string(layout == Layout::kChannelsFirst ? "channels_first" : "channels_last"));
  attrs.Set("activation", std::string(activation));
  attrs.Set("activation_alpha", activation == std::string("clip") ? -0.5F : 0.1F);
  attrs.Set("activation_beta", 0.75F);
  return attrs;
}

TestCase FloatCase(const Shape& shape, Layout layout, const char* activation, DType dtype) {
  const char* tag = layout == Layout::kChannelsFirst ? "_nchw_" : "_nhwc_";
  return {std::string(shape.label) + tag + activation + "_" + std::string(DTypeName(dtype)),
          {{.dtype = dtype, .dims = ImageDims(shape, layout), .low = -2, .high = 2},
           {.dtype = dtype, .dims = WeightDims(shape, layout), .low = -1, .high = 1, .is_constant = true},
           {.dtype = dtype, .dims = {shape.o}, .low = -1, .high = 1, .is_constant = true}},
          AttrsOf(shape, layout, activation)};
}

Quant WeightQuant(const Shape& shape, DType activations, float base) {
  if (activations == DType::kU8) return {{base}, {131}, -1};
  Quant quant;
  quant.axis = 0;
  for (int64_t i = 0; i < shape.o; ++i) {
    quant.scales.push_back(base * (1 + 0.13F * static_cast<float>(i % 7)));
    quant.zero_points.push_back(0);
  }
  return quant;
}

// i8, u8 and i16 activations as TFLite has them: channels last.
TestCase QuantizedCase(const Shape& shape, const char* activation, DType dtype) {
  constexpr Layout kLayout = Layout::kChannelsLast;
  const bool is_wide = dtype == DType::kI16;
  const int64_t x_zero = is_wide ? 0 : dtype == DType::kU8 ? 119 : -7;
  const int64_t y_zero = is_wide ? 0 : dtype == DType::kU8 ? 100 : 5;
  const float x_scale = is_wide ? 1.0F / 16384 : 0.031F;
  const float y_scale = is_wide ? 1.0F / 2048 : 0.083F;
  const Quant weights = WeightQuant(shape, dtype, 0.0073F);
  const DType weight_type = dtype == DType::kU8 ? DType::kU8 : DType::kI8;
  const double low = static_cast<double>(is_wide ? -32768 : dtype == DType::kU8 ? 0 : -128);
  const double high = static_cast<double>(is_wide ? 32767 : dtype == DType::kU8 ? 255 : 127);
  return {std::string(shape.label) + "_" + activation + "_" + std::string(DTypeName(dtype)),
          {{dtype, ImageDims(shape, kLayout), low, high, Quant{{x_scale}, {x_zero}, -1}},
           {.dtype = weight_type,
            .dims = WeightDims(shape, kLayout),
            .low = weight_type == DType::kU8 ? 0.0 : -127.0,
            .high = weight_type == DType::kU8 ? 255.0 : 127.0,
            .quant = weights,
            .is_constant = true},
           {.dtype = is_wide ? DType::kI64 : DType::kI32,
            .dims = {shape.o},
            .low = -2000,
            .high = 2000,
            .is_constant = true}},
          AttrsOf(shape, kLayout, activation),
          1,
          {Quant{{y_scale}, {y_zero}, -1}}};
}

TestCase HybridCase(const Shape& shape) {
  constexpr Layout kLayout = Layout::kChannelsLast;
  return {std::string(shape.label) + "_dynamic_range",
          {{.dims = ImageDims(shape, kLayout), .low = -2, .high = 3},
           {.dtype = DType::kI8,
            .dims = WeightDims(shape, kLayout),
            .low = -127,
            .high = 127,
            .quant = WeightQuant(shape, DType::kF32, 0.0073F),
            .is_constant = true},
           {.dims = {shape.o}, .low = -1, .high = 1, .is_constant = true}},
          AttrsOf(shape, kLayout, "relu")};
}

// shape: of stride 1 and a window that keeps the image's extents, so that the residual is as the input, with
// the output's channels. Floats only: the record has no residual for integers.
void AddResidualCases(const Shape& shape, std::vector<TestCase>& cases) {
  Shape result = shape;
  result.c = shape.o;
  for (const Layout layout : {Layout::kChannelsFirst, Layout::kChannelsLast}) {
    for (const char* order : {"before_activation", "after_activation"}) {
      for (const char* activation : {"none", "relu", "silu"}) {
        TestCase test = FloatCase(shape, layout, activation, DType::kF32);
        test.label += std::string("_residual_") + order;
        test.inputs.push_back({.dims = ImageDims(result, layout), .low = -2, .high = 2});
        test.attrs.Set("residual_order", std::string(order));
        cases.push_back(std::move(test));
      }
    }
  }
}

// Other ranks, no bias, an empty batch.
void AddOddCases(std::vector<TestCase>& cases) {
  cases.push_back(
      {"1d", {{.dims = {2, 3, 17}}, {.dims = {4, 3, 5}, .is_constant = true}}, {{"pads", Ints{2, 2}}}});
  cases.push_back({"1d_channels_last",
                   {{.dims = {1, 19, 4}}, {.dims = {6, 3, 4}, .is_constant = true}},
                   {{"layout", std::string("channels_last")}, {"strides", Ints{2}}}});
  cases.push_back({"3d",
                   {{.dims = {1, 2, 5, 6, 7}}, {.dims = {3, 2, 3, 2, 3}, .is_constant = true}},
                   {{"strides", Ints{1, 2, 2}}, {"pads", Ints{1, 0, 1, 1, 1, 0}}}});
  cases.push_back({"no_bias", {{.dims = {1, 5, 9, 9}}, {.dims = {11, 5, 3, 3}, .is_constant = true}}, {}});
  cases.push_back({"weights_computed", {{.dims = {1, 5, 9, 9}}, {.dims = {11, 5, 3, 3}}}, {}});
  cases.push_back({"empty_batch", {{.dims = {0, 3, 8, 8}}, {.dims = {4, 3, 3, 3}, .is_constant = true}}, {}});
  for (const int64_t stride : {1, 2}) {
    cases.push_back({"empty_batch_channels_last_s" + std::to_string(stride),
                     {{.dims = {0, 8, 8, 16}}, {.dims = {4, 3, 3, 16}, .is_constant = true}},
                     {{"layout", std::string("channels_last")}, {"strides", Ints{stride, stride}}}});
  }
}

}  // namespace

std::vector<TestCase> ConvCases() {
  std::vector<TestCase> cases;
  for (const Shape& shape : Shapes()) {
    cases.push_back(FloatCase(shape, Layout::kChannelsFirst, "none", DType::kF32));
    cases.push_back(FloatCase(shape, Layout::kChannelsLast, "relu6", DType::kF32));
    cases.push_back(QuantizedCase(shape, "none", DType::kI8));
    cases.push_back(QuantizedCase(shape, "relu", DType::kU8));
    cases.push_back(QuantizedCase(shape, "none", DType::kI16));
    cases.push_back(HybridCase(shape));
  }
  const Shape& padded = Shapes()[5];
  for (const char* activation : {"relu", "relu_n1_to_1", "tanh", "sigmoid", "silu", "hard_swish",
                                 "leaky_relu", "clip", "gelu", "gelu_tanh"}) {
    cases.push_back(FloatCase(padded, Layout::kChannelsFirst, activation, DType::kF32));
    cases.push_back(FloatCase(padded, Layout::kChannelsLast, activation, DType::kF32));
  }
  for (const char* activation : {"relu", "relu6", "relu_n1_to_1"}) {
    cases.push_back(QuantizedCase(padded, activation, DType::kI8));
  }
  cases.push_back(FloatCase(padded, Layout::kChannelsFirst, "relu", DType::kF64));
  for (const size_t i : {size_t{1}, size_t{5}, size_t{14}}) AddResidualCases(Shapes()[i], cases);
  AddOddCases(cases);
  return cases;
}

}  // namespace slipway
