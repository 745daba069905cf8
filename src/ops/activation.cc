#include "ops/activation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/scalar.h"

namespace slipway {
namespace {

constexpr std::array<std::string_view, 12> kNames = {"none",       "relu",    "relu6", "relu_n1_to_1",
                                                     "tanh",       "sigmoid", "silu",  "hard_swish",
                                                     "leaky_relu", "clip",    "gelu",  "gelu_tanh"};

}  // namespace

std::vector<AttrDef> ActivationAttrs() {
  return {StringAttr("activation", "none", {kNames.begin(), kNames.end()}, "applied to the result"),
          FloatAttr("activation_alpha", 0, "leaky_relu: slope; clip: lowest value"),
          FloatAttr("activation_beta", 0, "clip: highest value")};
}

ActivationSpec ActivationOf(const Attrs& attrs) {
  const std::string& name = attrs.String("activation");
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  ActivationSpec spec;
  if (found != kNames.end()) spec.kind = static_cast<Activation>(found - kNames.begin());
  spec.alpha = attrs.Float("activation_alpha");
  spec.beta = attrs.Float("activation_beta");
  return spec;
}

double GeluErf(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

double GeluTanh(double x) {
  const double inner = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
  return 0.5 * x * (1 + std::tanh(inner));
}

double ApplyActivation(const ActivationSpec& activation, double x) {
  switch (activation.kind) {
    case Activation::kGelu: return GeluErf(x);
    case Activation::kGeluTanh: return GeluTanh(x);
    case Activation::kNone: return x;
    case Activation::kRelu: return x < 0 ? 0 : x;
    case Activation::kRelu6: return x < 0 ? 0 : x > 6 ? 6 : x;
    case Activation::kReluN1To1: return x < -1 ? -1 : x > 1 ? 1 : x;
    case Activation::kTanh: return std::tanh(x);
    case Activation::kSigmoid: return 1 / (1 + std::exp(-x));
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kHardSwish: return x * std::clamp(x + 3, 0.0, 6.0) / 6;
    case Activation::kLeakyRelu: return x < 0 ? x * activation.alpha : x;
    case Activation::kClip:
      return x < activation.alpha ? activation.alpha : x > activation.beta ? activation.beta : x;
  }
  return x;
}

ClampRange QuantizedClamp(const ActivationSpec& activation, DType dtype, const Quant& quant) {
  const int64_t lowest = MinOfInteger(dtype);
  const int64_t highest = MaxOfInteger(dtype);
  const auto quantized = [&](double bound) {
    return quant.zero_points[0] +
           static_cast<int64_t>(std::round(static_cast<float>(bound) / quant.scales[0]));
  };
  switch (activation.kind) {
    case Activation::kRelu: return {std::max(lowest, quantized(0)), highest};
    case Activation::kRelu6: return {std::max(lowest, quantized(0)), std::min(highest, quantized(6))};
    case Activation::kReluN1To1: return {std::max(lowest, quantized(-1)), std::min(highest, quantized(1))};
    case Activation::kClip:
      return {activation.alpha > std::numeric_limits<float>::lowest()
                  ? std::max(lowest, quantized(activation.alpha))
                  : lowest,
              activation.beta < std::numeric_limits<float>::max()
                  ? std::min(highest, quantized(activation.beta))
                  : highest};
    default: return {lowest, highest};
  }
}

std::string_view ActivationFromTflite(std::string_view name) {
  if (name == "NONE" || name.empty()) return "none";
  if (name == "RELU") return "relu";
  if (name == "RELU6") return "relu6";
  if (name == "RELU_N1_TO_1") return "relu_n1_to_1";
  if (name == "TANH") return "tanh";
  return "";
}

}  // namespace slipway
