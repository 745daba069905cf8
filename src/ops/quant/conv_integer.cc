// Convolution of integers without rescaling, and with (ONNX's ConvInteger and QLinearConv).
#include <cmath>

#include "base/scalar.h"
#include "ops/nn/conv.h"
#include "ops/nn/quantized.h"

namespace slipway {
namespace {

constexpr DTypeSet kBytes = {DType::kI8, DType::kU8};

std::vector<AttrDef> Attributes() {
  std::vector<AttrDef> attrs = WindowAttrs();
  attrs.push_back(LayoutAttr());
  attrs.push_back(IntAttr("group", 1, "groups of channels that do not mix"));
  return attrs;
}

// One zero point or one per output channel; zeros when the input is left out.
Result<std::vector<int64_t>> ZeroPoints(const RunContext& context, size_t input, int64_t channels) {
  if (!context.HasInput(input)) return std::vector<int64_t>(static_cast<size_t>(channels), 0);
  std::vector<int64_t> zeros = LongIntegers(context.in(input));
  if (zeros.size() == 1) zeros.resize(static_cast<size_t>(channels), zeros[0]);
  if (static_cast<int64_t>(zeros.size()) != channels) {
    return context.Error("there are " + std::to_string(zeros.size()) + " zero points for " +
                         std::to_string(channels) + " channels");
  }
  return zeros;
}

// Calls store(index in y, output channel, sum) with the sums of (x - x_zero) * (w - w_zero).
template <class F>
Status ForEachSum(const RunContext& context, size_t w, size_t x_zero, size_t w_zero, const F& store) {
  SLIPWAY_ASSIGN_OR_RETURN(const ConvCall call, ReadConvCall(context, 0, w));
  const std::vector<int32_t> pixels = Integers(context.in(0));
  const std::vector<int32_t> weights = Integers(context.in(w));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<int64_t> x_zeros, ZeroPoints(context, x_zero, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<int64_t> w_zeros, ZeroPoints(context, w_zero, call.out.c));
  ForEachOutput(call.out, [&](int64_t n, int64_t oc, int64_t to, const int64_t* at) {
    int64_t sum = 0;
    ForEachTap(call, n, oc, at, [&](int64_t i, int64_t k) {
      sum += (pixels[static_cast<size_t>(i)] - x_zeros[0]) *
             (weights[static_cast<size_t>(k)] - w_zeros[static_cast<size_t>(oc)]);
    });
    store(to, oc, sum);
  });
  return Status::Ok();
}

Status RunQLinear(RunContext& context) {
  Tensor& y = context.out(0);
  const auto scalar = [&](size_t i) {
    return static_cast<float>(LoadReal(context.in(i).dtype(), context.in(i).data(), 0));
  };
  const float x_scale = scalar(1);
  const float y_scale = scalar(6);
  const Tensor& w_scales = context.in(4);
  const int64_t y_zero = LoadInt(context.in(7).dtype(), context.in(7).data(), 0);
  const bool has_bias = context.HasInput(8);
  const int64_t channels = context.in(3).dim(0);
  if (w_scales.count() != 1 && w_scales.count() != channels) {
    return context.Error("there are " + std::to_string(w_scales.count()) + " weight scales for " +
                         std::to_string(channels) + " channels");
  }
  return ForEachSum(context, 3, 2, 5, [&](int64_t to, int64_t oc, int64_t sum) {
    if (has_bias) sum += LoadInt(context.in(8).dtype(), context.in(8).data(), oc);
    const auto w_scale =
        static_cast<float>(LoadReal(w_scales.dtype(), w_scales.data(), w_scales.count() == 1 ? 0 : oc));
    const float scaled = static_cast<float>(sum) * (x_scale * w_scale / y_scale);
    const int64_t value = static_cast<int64_t>(std::nearbyint(scaled)) + y_zero;
    StoreInt(y.dtype(), y.data(), to, std::clamp(value, MinOfInteger(y.dtype()), MaxOfInteger(y.dtype())));
  });
}

}  // namespace

OpDef MakeConvInteger() {
  OpDef op;
  op.name = "ConvInteger";
  op.group = "quant";
  op.summary = "Convolution of 8-bit integers into 32 bits.";
  op.formula = "y = conv(x - x_zero_point, w - w_zero_point)";
  op.inputs = {{"x", kBytes, "[N,C,spatial...]"},
               {"w", kBytes, "[O,C/group,spatial...]"},
               {"x_zero_point", kBytes, "scalar", Arity::kOptional},
               {"w_zero_point", kBytes, "scalar or [O]", Arity::kOptional}};
  op.outputs = {{"y", {DType::kI32}, "[N,O,spatial...]"}};
  op.attrs = Attributes();
  op.infer = [](InferContext& context) {
    constexpr size_t kNoBias = 99;
    SLIPWAY_ASSIGN_OR_RETURN(Type type, ConvType(context, 0, 1, kNoBias, DType::kI32));
    context.SetOutput(0, std::move(type));
    return Status::Ok();
  };
  op.reference = [](RunContext& context) {
    int32_t* y = context.out(0).as<int32_t>();
    return ForEachSum(context, 1, 2, 3,
                      [y](int64_t to, int64_t, int64_t sum) { y[to] = static_cast<int32_t>(sum); });
  };
  op.flops = [](const InferContext& context) { return ConvFlops(context, 1); };
  op.cases = [] {
    const TestInput x{.dtype = DType::kU8, .dims = {1, 5, 9, 8}, .low = 0, .high = 255};
    const TestInput w{
        .dtype = DType::kI8, .dims = {7, 5, 3, 3}, .low = -127, .high = 127, .is_constant = true};
    const TestInput zero{.dtype = DType::kU8, .dims = {}, .values = {119}, .is_constant = true};
    return std::vector<TestCase>{{"plain", {x, w}, {}},
                                 {"padded", {x, w, zero}, {{"pads", Ints{1, 1, 1, 1}}}}};
  };
  op.foreign = {{Format::kOnnx, "ConvInteger", 1, INT_MAX, ImportOnnxConv}};
  return op;
}

OpDef MakeQLinearConv() {
  OpDef op;
  op.name = "QLinearConv";
  op.group = "quant";
  op.summary = "Convolution of 8-bit integers with a rescaled 8-bit result.";
  op.formula = "y = saturate(round_half_even(conv(x - xz, w - wz) + b) * xs * ws / ys) + yz)";
  op.inputs = {{"x", kBytes, "[N,C,spatial...]"},
               {"x_scale", kFloats, "scalar"},
               {"x_zero_point", kBytes, "scalar"},
               {"w", kBytes, "[O,C/group,spatial...]"},
               {"w_scale", kFloats, "scalar or [O]"},
               {"w_zero_point", kBytes, "scalar or [O]"},
               {"y_scale", kFloats, "scalar"},
               {"y_zero_point", kBytes, "scalar; its type is y's"},
               {"b", {DType::kI32}, "[O] in steps of x_scale * w_scale", Arity::kOptional}};
  op.outputs = {{"y", kBytes, "[N,O,spatial...]"}};
  op.attrs = Attributes();
  op.infer = [](InferContext& context) {
    SLIPWAY_ASSIGN_OR_RETURN(Type type, ConvType(context, 0, 3, 8, context.dtype(7)));
    context.SetOutput(0, std::move(type));
    return Status::Ok();
  };
  op.reference = RunQLinear;
  op.flops = [](const InferContext& context) { return ConvFlops(context, 3); };
  op.cases = [] {
    const auto scale = [](double value) {
      return TestInput{.dims = {}, .values = {value}, .is_constant = true};
    };
    const auto zero = [](DType dtype, double value) {
      return TestInput{.dtype = dtype, .dims = {}, .values = {value}, .is_constant = true};
    };
    const TestInput bias{.dtype = DType::kI32, .dims = {7}, .low = -900, .high = 900, .is_constant = true};
    std::vector<TestCase> cases;
    for (const DType dtype : {DType::kU8, DType::kI8}) {
      const bool is_u8 = dtype == DType::kU8;
      const TestInput x{
          .dtype = dtype, .dims = {1, 5, 9, 8}, .low = is_u8 ? 0.0 : -128.0, .high = is_u8 ? 255.0 : 127.0};
      const TestInput w{
          .dtype = DType::kI8, .dims = {7, 5, 3, 3}, .low = -127, .high = 127, .is_constant = true};
      cases.push_back({std::string(DTypeName(dtype)),
                       {x, scale(0.03), zero(dtype, is_u8 ? 119 : -7), w, scale(0.006), zero(DType::kI8, 0),
                        scale(0.11), zero(dtype, is_u8 ? 99 : 4), bias},
                       {{"pads", Ints{1, 1, 1, 1}}}});
    }
    return cases;
  };
  op.tolerance.integer_steps = 1;  // scales multiply in another order elsewhere
  op.foreign = {
      {Format::kOnnx, "QLinearConv", 1, INT_MAX, [](ImportContext& context) { return context.EmitSame(); }},
      {Format::kOnnx, "QLinearConv", 1, INT_MAX,
       [](ImportContext& context) {
         const bool is_last = context.attrs().Int("channels_last") != 0;
         return context.EmitSame({{"layout", std::string(is_last ? "channels_last" : "channels_first")}});
       },
       "com.microsoft"}};
  return op;
}

}  // namespace slipway
