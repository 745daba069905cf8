// ConvTranspose: TFLite's integers, foreign rows and test cases.
#include "base/scalar.h"
#include "ops/nn/conv_transpose.h"
#include "ops/nn/foreign.h"
#include "ops/nn/mediapipe.h"
#include "ops/nn/quantized.h"

namespace slipway {

Status RunQuantizedConvTranspose(const RunContext& context, const ConvTransposeCall& call) {
  const Quant* xq = context.in_quant(0);
  const Quant* wq = context.in_quant(1);
  const Quant* yq = context.out_quant(0);
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, xq, "input"));
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, wq, "weights", call.out.c));
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, yq, "output"));
  const std::vector<int32_t> x = Integers(context.in(0));
  const std::vector<int32_t> w = Integers(context.in(1));
  const std::vector<int64_t> b = context.HasInput(2) ? LongIntegers(context.in(2)) : std::vector<int64_t>();
  Tensor& y = context.out(0);
  const bool is_u8 = y.dtype() == DType::kU8;
  const bool is_long = y.dtype() == DType::kI16;
  const auto multipliers =
      OutputMultipliers(*xq, *wq, *yq, call.out.c, is_u8 ? ScaleProduct::kInFloat : ScaleProduct::kInDouble);
  const ClampRange clamp = QuantizedClamp(call.activation, y.dtype(), *yq);
  int64_t at[3];
  for (int64_t n = 0; n < call.out.n; ++n) {
    for (int64_t oc = 0; oc < call.out.c; ++oc) {
      const int64_t w_zero = is_u8 ? ZeroPointOf(*wq, oc) : 0;
      for (at[0] = 0; at[0] < call.out.size[0]; ++at[0]) {
        for (at[1] = 0; at[1] < call.out.size[1]; ++at[1]) {
          for (at[2] = 0; at[2] < call.out.size[2]; ++at[2]) {
            int64_t acc = b.empty() ? 0 : b[static_cast<size_t>(oc)];
            call.ForEachTap(n, oc, at, [&](int64_t i, int64_t k) {
              acc += (x[static_cast<size_t>(i)] - ZeroPointOf(*xq)) * (w[static_cast<size_t>(k)] - w_zero);
            });
            const FixedMultiplier multiplier = multipliers[static_cast<size_t>(oc)];
            const int64_t zero = ZeroPointOf(*yq);
            StoreInt(y.dtype(), y.data(), call.out.At(n, oc, at[0], at[1], at[2]),
                     is_long ? RequantizeLong(acc, multiplier, zero, clamp)
                             : Requantize(acc, multiplier, zero, clamp));
          }
        }
      }
    }
  }
  return Status::Ok();
}

Status ImportTfliteConvTranspose(ImportContext& context) {
  Attrs attrs;
  SLIPWAY_RETURN_IF_ERROR(AddTfliteWindow(context, attrs));
  SLIPWAY_RETURN_IF_ERROR(AddTfliteActivation(context, attrs));
  return context.Emit("ConvTranspose", {context.in(2), context.in(1), context.in(3), context.in(0)},
                      std::move(attrs));
}

// Filters [d,h,w,O,C].
Status ImportTfliteConvTranspose3d(ImportContext& context) {
  Attrs attrs;
  SLIPWAY_RETURN_IF_ERROR(AddTfliteWindow3d(context, attrs));
  SLIPWAY_RETURN_IF_ERROR(AddTfliteActivation(context, attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId weights, context.Transposed(context.in(1), {3, 0, 1, 2, 4}));
  return context.Emit("ConvTranspose", {context.in(2), weights, context.in(3), context.in(0)},
                      std::move(attrs));
}

// MediaPipe's Convolution2DTransposeBias: its shape follows from the padding alone.
Status ImportMediapipeConvTranspose(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<int32_t> options, MediapipeOptions(context, 3));
  const Type& x = context.type(context.in(0));
  const Type& w = context.type(context.in(1));
  if (!x.HasRank() || x.rank() != 4 || !w.IsStatic() || w.rank() != 4)
    return context.Unsupported("the image's rank and the filter's shape must be known");
  Ints pads(4, 0);
  for (size_t i = 0; i < 2; ++i) {
    const int64_t stride = options[2 - i];
    if (options[0] != kMediapipeSame) continue;
    const Dim& extent = (*x.shape)[i + 1];
    if (!extent.IsKnown() || extent.value() < 1)
      return context.Unsupported("the image's extents must be known");
    const int64_t total = std::max<int64_t>((*w.shape)[i + 1].value() - (extent.value() - 1) % stride - 1, 0);
    pads[i] = total / 2;
    pads[i + 2] = total - total / 2;
  }
  return context.Emit(
      "ConvTranspose", {context.in(0), context.in(1), context.in(2)},
      {{"layout", std::string("channels_last")}, {"strides", Ints{options[2], options[1]}}, {"pads", pads}});
}

Status ImportTfConvTranspose(ImportContext& context) {
  Attrs attrs;
  SLIPWAY_RETURN_IF_ERROR(AddTfWindow(context, attrs));
  const bool is_last = TfLayout(context) == Layout::kChannelsLast;
  // [h,w,O,C] to ours.
  const Ints permutation = is_last ? Ints{2, 0, 1, 3} : Ints{3, 2, 0, 1};
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId weights, context.Transposed(context.in(1), permutation));
  return context.Emit("ConvTranspose", {context.in(2), weights, kNoValue, context.in(0)}, std::move(attrs));
}

namespace {

struct Shape {
  const char* label;
  Dims x;  // channels first
  int64_t o;
  int64_t kh, kw;
  int64_t group;
  Attrs attrs;
};

const std::vector<Shape>& Shapes() {
  static const std::vector<Shape> shapes = {
      {"2x2_twice", {1, 6, 5, 7}, 4, 2, 2, 1, {{"strides", Ints{2, 2}}}},
      {"3x3_padded", {1, 5, 6, 6}, 7, 3, 3, 1, {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}},
      {"output_padding",
       {1, 3, 4, 5},
       4,
       3,
       3,
       1,
       {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}, {"output_padding", Ints{1, 1}}}},
      {"4x4_stride2", {2, 8, 4, 4}, 9, 4, 4, 1, {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}},
      {"stride1", {1, 4, 7, 7}, 3, 3, 3, 1, {}},
      {"dilated", {1, 2, 5, 5}, 3, 3, 2, 1, {{"dilations", Ints{2, 3}}}},
      {"same", {1, 3, 5, 4}, 2, 3, 3, 1, {{"strides", Ints{2, 3}}, {"auto_pad", std::string("SAME_UPPER")}}},
      {"grouped", {1, 6, 5, 5}, 4, 3, 3, 2, {{"strides", Ints{2, 2}}}},
      {"depthwise", {1, 7, 5, 5}, 7, 4, 4, 7, {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}}};
  return shapes;
}

TestCase CaseOf(const Shape& s, bool is_last, const char* activation) {
  Attrs attrs = s.attrs;
  attrs.Set("group", s.group);
  attrs.Set("layout", std::string(is_last ? "channels_last" : "channels_first"));
  attrs.Set("activation", std::string(activation));
  const Dims x = is_last ? Dims{s.x[0], s.x[2], s.x[3], s.x[1]} : s.x;
  const Dims w = is_last ? Dims{s.o, s.kh, s.kw, s.x[1] / s.group} : Dims{s.x[1], s.o / s.group, s.kh, s.kw};
  return {std::string(s.label) + (is_last ? "_nhwc" : "_nchw"),
          {{.dims = x, .low = -1, .high = 1},
           {.dims = w, .low = -1, .high = 1, .is_constant = true},
           {.dims = {s.o}, .low = -1, .high = 1, .is_constant = true}},
          attrs};
}

}  // namespace

std::vector<TestCase> ConvTransposeCases() {
  std::vector<TestCase> cases;
  for (const Shape& shape : Shapes()) {
    cases.push_back(CaseOf(shape, false, "none"));
    cases.push_back(CaseOf(shape, true, "relu"));
    if (shape.group != 1) continue;
    TestCase test = CaseOf(shape, true, "none");
    test.label = std::string(shape.label) + "_i8";
    test.inputs[0] = {DType::kI8, test.inputs[0].dims, -128, 127, Quant{{0.03F}, {-5}, -1}};
    test.inputs[1] = {DType::kI8, test.inputs[1].dims, -127, 127, Quant{{0.006F}, {0}, -1}, {}, true};
    test.inputs[2] = {DType::kI32, test.inputs[2].dims, -900, 900, std::nullopt, {}, true};
    test.outputs_quant = {Quant{{0.09F}, {4}, -1}};
    cases.push_back(std::move(test));
  }
  cases.push_back(
      {"1d", {{.dims = {1, 3, 8}}, {.dims = {3, 2, 4}, .is_constant = true}}, {{"strides", Ints{3}}}});
  cases.push_back({"3d",
                   {{.dims = {1, 2, 3, 4, 3}}, {.dims = {2, 3, 2, 3, 2}, .is_constant = true}},
                   {{"strides", Ints{2, 1, 2}}}});
  return cases;
}

}  // namespace slipway
