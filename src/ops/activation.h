// Activations fused into the end of another operator: names, and what they do to floats and quantised values.
#pragma once

#include <string_view>

#include "ops/op.h"

namespace slipway {

enum class Activation {
  kNone,
  kRelu,
  kRelu6,
  kReluN1To1,
  kTanh,
  kSigmoid,
  kSilu,
  kHardSwish,
  kLeakyRelu,
  kClip,
  kGelu,
  kGeluTanh
};

// The attributes of a record that fuses an activation: `activation`, `activation_alpha`, `activation_beta`.
// alpha: leaky_relu's slope, clip's low; beta: clip's high.
std::vector<AttrDef> ActivationAttrs();

struct ActivationSpec {
  Activation kind = Activation::kNone;
  float alpha = 0;
  float beta = 0;
};
ActivationSpec ActivationOf(const Attrs& attrs);

// Gaussian error linear unit (Hendrycks and Gimpel, 2016), and its approximation by tanh.
double GeluErf(double x);
double GeluTanh(double x);

double ApplyActivation(const ActivationSpec& activation, double x);

// The clamp of a quantised output of `dtype`: [low, high] in quantised steps, as in the TFLite specification
// (round(bound / scale) + zero_point, within the dtype). REQUIRES: the activation is a clamp or none.
struct ClampRange {
  int64_t low;
  int64_t high;
};
ClampRange QuantizedClamp(const ActivationSpec& activation, DType dtype, const Quant& quant);

// TFLite's "RELU6" to ours; empty when it has none of that name.
std::string_view ActivationFromTflite(std::string_view name);

}  // namespace slipway
