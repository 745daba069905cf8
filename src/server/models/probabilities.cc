#include "server/models/probabilities.h"

#include <algorithm>
#include <string_view>

namespace slipway::server {
namespace {

constexpr std::string_view kEnds[] = {"Softmax", "Sigmoid"};
// What leaves numbers as they are, but for their type, place or rounding.
constexpr std::string_view kPassing[] = {"Identity",         "Cast",      "Reshape",  "Flatten",
                                         "Squeeze",          "Unsqueeze", "Quantize", "QuantizeLinear",
                                         "DequantizeLinear", "Dequantize"};

bool Has(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// The output that the scores are read from (tasks/vision/classify.cc).
ValueId ScoresOf(const Graph& graph, const OutputSpec& spec) {
  for (const char* role : {"scores", "logits", "predictions"}) {
    const auto named = spec.tensors.find(role);
    if (named == spec.tensors.end() || named->second.empty()) continue;
    for (const ValueId output : graph.CallerOutputs()) {
      if (graph.value(output).name == named->second[0]) return output;
    }
  }
  return graph.CallerOutputs().empty() ? kNoValue : graph.CallerOutputs()[0];
}

}  // namespace

bool GivesProbabilities(const Graph& graph, const Manifest& manifest) {
  OutputSpec spec;
  for (const OutputSpec& each : manifest.outputs) {
    if (each.decoder == DecoderKind::kClassification) spec = each;
  }
  if (spec.activation != ScoreActivation::kNone) return true;
  const std::vector<int> producers = graph.Producers();
  ValueId value = ScoresOf(graph, spec);
  while (value != kNoValue) {
    const int producer = producers[static_cast<size_t>(value)];
    if (producer < 0) return false;
    const Node& node = graph.nodes[static_cast<size_t>(producer)];
    if (Has(kEnds, node.op)) return true;
    if (!Has(kPassing, node.op) || node.inputs.empty()) return false;
    value = node.inputs[0];
  }
  return false;
}

}  // namespace slipway::server
