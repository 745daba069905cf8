// Integer and dynamic-range convolution, to the bit as TFLite's reference kernels.
//
// Three kinds: 8-bit activations with 32-bit accumulators; 16-bit activations with 64-bit accumulators
// (32-bit ones when the bias is i32 and the convolution is not depthwise); f32 activations quantised per
// image.
#include "base/scalar.h"
#include "ops/nn/conv.h"
#include "ops/nn/quantized.h"

namespace slipway {
namespace {

bool IsDepthwise(const ConvCall& call) { return call.group > 1 && call.group == call.in.c; }

}  // namespace

Status RunQuantizedConv(const RunContext& context, const ConvCall& call) {
  const Quant* xq = context.in_quant(0);
  const Quant* wq = context.in_quant(1);
  const Quant* yq = context.out_quant(0);
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, xq, "input"));
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, wq, "weights", call.out.c));
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, yq, "output"));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const std::vector<int32_t> pixels = Integers(x);
  const std::vector<int32_t> weights = Integers(context.in(1));
  const std::vector<int64_t> bias =
      context.HasInput(2) ? LongIntegers(context.in(2)) : std::vector<int64_t>();
  const bool is_u8 = x.dtype() == DType::kU8;
  const auto multipliers =
      OutputMultipliers(*xq, *wq, *yq, call.out.c, is_u8 ? ScaleProduct::kInFloat : ScaleProduct::kInDouble);
  const ClampRange clamp = QuantizedClamp(call.activation, y.dtype(), *yq);
  const bool is_long = x.dtype() == DType::kI16 &&
                       (IsDepthwise(call) || !context.HasInput(2) || context.in(2).dtype() == DType::kI64);
  const int64_t x_zero = ZeroPointOf(*xq);
  const int64_t y_zero = ZeroPointOf(*yq);
  ForEachOutput(call.out, [&](int64_t n, int64_t oc, int64_t to, const int64_t* at) {
    const int64_t w_zero = is_u8 ? ZeroPointOf(*wq, oc) : 0;
    int64_t acc = bias.empty() ? 0 : bias[static_cast<size_t>(oc)];
    ForEachTap(call, n, oc, at, [&](int64_t i, int64_t k) {
      acc += (pixels[static_cast<size_t>(i)] - x_zero) * (weights[static_cast<size_t>(k)] - w_zero);
    });
    const FixedMultiplier multiplier = multipliers[static_cast<size_t>(oc)];
    const int64_t value =
        is_long ? RequantizeLong(acc, multiplier, y_zero, clamp) : Requantize(acc, multiplier, y_zero, clamp);
    StoreInt(y.dtype(), y.data(), to, value);
  });
  return Status::Ok();
}

Status RunHybridConv(const RunContext& context, const ConvCall& call) {
  const Quant* wq = context.in_quant(1);
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, wq, "weights", call.out.c));
  if (context.in(0).dtype() != DType::kF32)
    return context.Error("dynamic-range convolution takes f32 images");
  const float* x = context.in(0).as<float>();
  const std::vector<int32_t> weights = Integers(context.in(1));
  const Tensor bias = context.HasInput(2) ? context.in(2) : Tensor();
  if (!bias.IsNone() && bias.dtype() != DType::kF32) return context.Error("the bias must be f32");
  float* y = context.out(0).as<float>();
  // TFLite quantises the image symmetrically when the filter has one scale for many channels.
  const bool is_depthwise = IsDepthwise(call);
  const bool is_per_channel = is_depthwise || static_cast<int64_t>(wq->scales.size()) == call.out.c;
  const auto image_size = static_cast<size_t>(call.in.n == 0 ? 0 : context.in(0).count() / call.in.n);
  std::vector<QuantizedRow> images;
  for (int64_t n = 0; n < call.in.n; ++n) {
    const std::span<const float> image(x + static_cast<size_t>(n) * image_size, image_size);
    images.push_back(is_per_channel ? QuantizeAsymmetric(image) : QuantizeSymmetric(image));
  }
  ForEachOutput(call.out, [&](int64_t n, int64_t oc, int64_t to, const int64_t* at) {
    const QuantizedRow& image = images[static_cast<size_t>(n)];
    const int64_t offset = n * static_cast<int64_t>(image_size);
    int32_t acc = 0;
    ForEachTap(call, n, oc, at, [&](int64_t i, int64_t k) {
      acc += (image.values[static_cast<size_t>(i - offset)] - image.zero_point) *
             weights[static_cast<size_t>(k)];
    });
    const float scale = ScaleOf(*wq, oc);
    // The order of the two products is TFLite's, kernel by kernel.
    float value = is_depthwise || !is_per_channel ? static_cast<float>(acc) * (scale * image.scale)
                                                  : static_cast<float>(acc) * scale * image.scale;
    if (!bias.IsNone()) value += bias.as<float>()[oc];
    y[to] = static_cast<float>(ApplyActivation(call.activation, value));
  });
  return Status::Ok();
}

}  // namespace slipway
