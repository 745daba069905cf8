// Activations of recurrent cells, as ONNX's RNN, LSTM and GRU name them.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "ops/infer.h"

namespace slipway {

enum class GateFunctionKind {
  kAffine,
  kElu,
  kHardSigmoid,
  kLeakyRelu,
  kRelu,
  kScaledTanh,
  kSigmoid,
  kSoftplus,
  kSoftsign,
  kTanh,
  kThresholdedRelu
};

struct GateFunction {
  GateFunctionKind kind = GateFunctionKind::kTanh;
  float alpha = 0;
  float beta = 0;
};

double Apply(const GateFunction& function, double x);
inline double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The functions that the attributes `activations`, `activation_alpha` and `activation_beta` name, `count` of
// them (per direction `defaults`, where none are named). alpha and beta are handed out in order to those
// functions that have one; what is missing is the default of the ONNX operator of that name.
Result<std::vector<GateFunction>> GateFunctionsOf(const Attrs& attrs, const Strings& defaults, size_t count);

}  // namespace slipway
