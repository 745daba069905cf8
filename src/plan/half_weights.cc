#include "plan/half_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/scalar.h"

namespace slipway {
namespace {

constexpr int64_t kLeastElements = 64;

bool IsCandidate(const Tensor& constant) {
  return constant.dtype() == DType::kF32 && constant.rank() >= 2 && constant.count() >= kLeastElements;
}

// An operator's inputs first to last, that are weights.
struct WeightInputs {
  std::string_view op;
  size_t first, last;
};
constexpr WeightInputs kWeightInputs[] = {{"Conv", 1, 1},   {"ConvTranspose", 1, 1}, {"FullyConnected", 1, 1},
                                          {"Gather", 0, 0}, {"Gemm", 0, 1},          {"GRU", 1, 2},
                                          {"LSTM", 1, 2},   {"MatMul", 0, 1},        {"RNN", 1, 2}};

bool IsWeight(const Node& node, size_t input) {
  return std::any_of(std::begin(kWeightInputs), std::end(kWeightInputs), [&](const WeightInputs& each) {
    return each.op == node.op && each.first <= input && input <= each.last;
  });
}

// By value: read as weights, and as nothing else.
std::vector<bool> WeightsOf(const Graph& graph) {
  std::vector<bool> is_weight(graph.values.size()), is_other(graph.values.size());
  for (const Node& node : graph.nodes) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.HasInput(i)) continue;
      const auto id = static_cast<size_t>(node.inputs[i]);
      (IsWeight(node, i) ? is_weight : is_other)[id] = true;
    }
  }
  for (const ValueId id : graph.outputs) is_other[static_cast<size_t>(id)] = true;
  for (size_t id = 0; id < is_weight.size(); ++id) is_weight[id] = is_weight[id] && !is_other[id];
  return is_weight;
}

// nullopt: f16 has no such number.
std::optional<Tensor> Rounded(const Tensor& constant) {
  Tensor rounded(DType::kF32, constant.dims());
  const float* from = constant.as<float>();
  float* to = rounded.as<float>();
  for (int64_t i = 0; i < constant.count(); ++i) {
    to[i] = HalfToFloat(FloatToHalf(from[i]));
    if (!std::isfinite(to[i])) return std::nullopt;
  }
  return rounded;
}

}  // namespace

HalfWeightsReport RoundWeightsToHalves(Graph& graph) {
  HalfWeightsReport report;
  const std::vector<bool> is_weight = WeightsOf(graph);
  for (size_t id = 0; id < graph.values.size(); ++id) {
    Value& value = graph.values[id];
    if (!is_weight[id] || !value.IsConstant() || !IsCandidate(value.data)) continue;
    std::optional<Tensor> rounded = Rounded(value.data);
    if (!rounded) {
      report.kept.push_back(value.name);
      continue;
    }
    value.data = *std::move(rounded);
    ++report.rounded;
    report.bytes += value.data.size_bytes();
  }
  return report;
}

bool AreHalves(const Tensor& constant) {
  if (!IsCandidate(constant)) return false;
  const float* x = constant.as<float>();
  return std::all_of(x, x + constant.count(), [](float value) {
    return std::bit_cast<uint32_t>(HalfToFloat(FloatToHalf(value))) == std::bit_cast<uint32_t>(value);
  });
}

std::vector<uint16_t> ToHalves(const Tensor& constant) {
  std::vector<uint16_t> halves(static_cast<size_t>(constant.count()));
  std::transform(constant.as<float>(), constant.as<float>() + constant.count(), halves.begin(), FloatToHalf);
  return halves;
}

Tensor FromHalves(Dims dims, const uint8_t* halves) {
  Tensor floats(DType::kF32, std::move(dims));
  float* to = floats.as<float>();
  for (int64_t i = 0; i < floats.count(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, halves + 2 * i, sizeof(bits));
    to[i] = HalfToFloat(bits);
  }
  return floats;
}

}  // namespace slipway
