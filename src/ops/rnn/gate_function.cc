#include "ops/rnn/gate_function.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/nearest.h"

namespace slipway {
namespace {

struct Known {
  const char* name;
  GateFunctionKind kind;
  bool has_alpha, has_beta;
  float alpha, beta;  // NaN: without a default
};

// Names and defaults: ONNX operator specification, "Equations" of RNN, and the operators of these names.
constexpr Known kKnown[] = {{"Affine", GateFunctionKind::kAffine, true, true, 1, 0},
                            {"Elu", GateFunctionKind::kElu, true, false, 1, 0},
                            {"HardSigmoid", GateFunctionKind::kHardSigmoid, true, true, 0.2F, 0.5F},
                            {"LeakyRelu", GateFunctionKind::kLeakyRelu, true, false, 0.01F, 0},
                            {"Relu", GateFunctionKind::kRelu, false, false, 0, 0},
                            {"ScaledTanh", GateFunctionKind::kScaledTanh, true, true, NAN, NAN},
                            {"Sigmoid", GateFunctionKind::kSigmoid, false, false, 0, 0},
                            {"Softplus", GateFunctionKind::kSoftplus, false, false, 0, 0},
                            {"Softsign", GateFunctionKind::kSoftsign, false, false, 0, 0},
                            {"Tanh", GateFunctionKind::kTanh, false, false, 0, 0},
                            {"ThresholdedRelu", GateFunctionKind::kThresholdedRelu, true, false, 1, 0}};

// Exporters write "Tanh" as well as "tanh".
bool IsSameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

Result<const Known*> Find(const std::string& name) {
  for (const Known& known : kKnown) {
    if (IsSameName(known.name, name)) return &known;
  }
  std::vector<std::string_view> names;
  for (const Known& known : kKnown) names.emplace_back(known.name);
  return Status(Code::kInvalidModel, "activation '" + name + "' is not known" + DidYouMean(name, names));
}

float Next(const Floats& values, size_t& at, float otherwise) {
  return at < values.size() ? values[at++] : otherwise;
}

}  // namespace

double Apply(const GateFunction& function, double x) {
  const auto alpha = static_cast<double>(function.alpha);
  const auto beta = static_cast<double>(function.beta);
  switch (function.kind) {
    case GateFunctionKind::kAffine: return alpha * x + beta;
    case GateFunctionKind::kElu: return x < 0 ? alpha * std::expm1(x) : x;
    case GateFunctionKind::kHardSigmoid: return std::clamp(alpha * x + beta, 0.0, 1.0);
    case GateFunctionKind::kLeakyRelu: return x < 0 ? alpha * x : x;
    case GateFunctionKind::kRelu: return x < 0 ? 0 : x;
    case GateFunctionKind::kScaledTanh: return alpha * std::tanh(beta * x);
    case GateFunctionKind::kSigmoid: return Sigmoid(x);
    case GateFunctionKind::kSoftplus: return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
    case GateFunctionKind::kSoftsign: return x / (1 + std::abs(x));
    case GateFunctionKind::kTanh: return std::tanh(x);
    case GateFunctionKind::kThresholdedRelu: return x > alpha ? x : 0;
  }
  return x;
}

Result<std::vector<GateFunction>> GateFunctionsOf(const Attrs& attrs, const Strings& defaults, size_t count) {
  Strings names = attrs.StringList("activations");
  if (names.empty()) {
    while (names.size() < count) names.insert(names.end(), defaults.begin(), defaults.end());
  }
  if (names.size() != count) {
    return Status(Code::kInvalidModel, "has " + std::to_string(names.size()) +
                                           " activations; its gates and directions need " +
                                           std::to_string(count));
  }
  const Floats& alphas = attrs.FloatList("activation_alpha");
  const Floats& betas = attrs.FloatList("activation_beta");
  size_t alpha_at = 0;
  size_t beta_at = 0;
  std::vector<GateFunction> functions;
  for (const std::string& name : names) {
    SLIPWAY_ASSIGN_OR_RETURN(const Known* known, Find(name));
    GateFunction function{known->kind, known->alpha, known->beta};
    if (known->has_alpha) function.alpha = Next(alphas, alpha_at, known->alpha);
    if (known->has_beta) function.beta = Next(betas, beta_at, known->beta);
    if (std::isnan(function.alpha) || std::isnan(function.beta))
      return Status(Code::kInvalidModel,
                    std::string("activation '") + known->name + "' needs an alpha and a beta",
                    "set activation_alpha and activation_beta");
    functions.push_back(function);
  }
  return functions;
}

}  // namespace slipway
