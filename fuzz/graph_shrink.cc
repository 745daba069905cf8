// Smaller samples that show the same.
#include <algorithm>
#include <map>

#include "graph_check.h"
#include "ops/verify.h"

namespace slipway::fuzz {
namespace {

// What nobody needs goes; inputs with their data. nullopt: the graph is no longer valid.
std::optional<Sample> Tidied(Sample sample) {
  Graph& graph = sample.graph;
  if (graph.outputs.empty()) return std::nullopt;
  std::vector<bool> is_dropped(graph.nodes.size(), true);
  std::vector<bool> is_needed(graph.values.size(), false);
  for (ValueId id : graph.outputs) is_needed[static_cast<size_t>(id)] = true;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    is_dropped[i] = std::none_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) {
      return id != kNoValue && is_needed[static_cast<size_t>(id)];
    });
    if (is_dropped[i]) continue;
    for (ValueId id : node.inputs) {
      if (id != kNoValue) is_needed[static_cast<size_t>(id)] = true;
    }
  }
  Sample tidied = sample;
  tidied.graph.inputs.clear();
  tidied.inputs.clear();
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    if (!is_needed[static_cast<size_t>(graph.inputs[i])]) continue;
    tidied.graph.inputs.push_back(graph.inputs[i]);
    tidied.inputs.push_back(sample.inputs[i]);
  }
  tidied.graph.Compact(is_dropped);
  if (!VerifyGraph(tidied.graph).ok()) return std::nullopt;
  return tidied;
}

using Step = std::function<std::optional<Sample>(const Sample&, size_t)>;

std::optional<Sample> WithoutOutput(const Sample& sample, size_t i) {
  if (i >= sample.graph.outputs.size() || sample.graph.outputs.size() < 2) return std::nullopt;
  Sample smaller = sample;
  smaller.graph.outputs.erase(smaller.graph.outputs.begin() + static_cast<std::ptrdiff_t>(i));
  return Tidied(std::move(smaller));
}

// An output becomes what its node read.
std::optional<Sample> OutputEarlier(const Sample& sample, size_t i) {
  if (i >= sample.graph.outputs.size()) return std::nullopt;
  const int producer = sample.graph.Producers()[static_cast<size_t>(sample.graph.outputs[i])];
  if (producer < 0) return std::nullopt;
  for (ValueId id : sample.graph.nodes[static_cast<size_t>(producer)].inputs) {
    if (id == kNoValue || sample.graph.Producers()[static_cast<size_t>(id)] < 0) continue;
    Sample smaller = sample;
    smaller.graph.outputs[i] = id;
    return Tidied(std::move(smaller));
  }
  return std::nullopt;
}

// What node i computed becomes inputs.
std::optional<Sample> WithoutNode(const Sample& sample, size_t i) {
  if (i >= sample.graph.nodes.size()) return std::nullopt;
  Sample smaller = sample;
  const Node node = smaller.graph.nodes[i];
  std::map<ValueId, Datum> computed;
  const auto outputs =
      Interpret(sample.graph, sample.inputs, [&](ValueId id, const Datum& datum) { computed[id] = datum; });
  if (!outputs.ok()) return std::nullopt;
  smaller.graph.nodes.erase(smaller.graph.nodes.begin() + static_cast<std::ptrdiff_t>(i));
  for (ValueId id : node.outputs) {
    if (id == kNoValue || computed[id].kind != TypeKind::kTensor) continue;
    Datum datum = computed[id];
    datum.tensor = datum.tensor.Clone();
    Value& value = smaller.graph.value(id);
    if (!value.type.shape) value.type = Type::Of(datum.tensor.dtype(), ToDimList(datum.tensor.dims()));
    for (Dim& dim : *value.type.shape) {
      if (!dim.IsKnown()) {
        value.type.shape = ToDimList(datum.tensor.dims());
        break;
      }
    }
    smaller.graph.inputs.push_back(id);
    smaller.inputs.push_back(std::move(datum));
  }
  std::erase_if(smaller.graph.outputs, [&](ValueId id) {
    return std::find(node.outputs.begin(), node.outputs.end(), id) != node.outputs.end();
  });
  return Tidied(std::move(smaller));
}

// All shapes known.
std::optional<Sample> Closed(const Sample& sample, size_t i) {
  if (i > 0) return std::nullopt;
  Sample closed = sample;
  bool has_changed = false;
  for (size_t k = 0; k < closed.inputs.size(); ++k) {
    Value& value = closed.graph.value(closed.graph.inputs[k]);
    if (value.type.kind != TypeKind::kTensor || value.type.IsStatic()) continue;
    value.type.shape = ToDimList(closed.inputs[k].tensor.dims());
    has_changed = true;
  }
  if (!has_changed) return std::nullopt;
  for (const Node& node : closed.graph.nodes) {
    for (ValueId id : node.outputs) {
      if (id != kNoValue) closed.graph.value(id).type.shape.reset();
    }
  }
  return Tidied(std::move(closed));
}

}  // namespace

Sample Shrink(Sample sample, const std::function<bool(const Sample&)>& differs) {
  const Step steps[] = {WithoutOutput, OutputEarlier, WithoutNode, Closed};
  bool has_shrunk = true;
  while (has_shrunk) {
    has_shrunk = false;
    for (const Step& step : steps) {
      const size_t limit = std::max(sample.graph.nodes.size(), sample.graph.outputs.size());
      for (size_t i = 0; i < limit;) {
        auto smaller = step(sample, i);
        if (!smaller || !differs(*smaller)) {
          ++i;
          continue;
        }
        sample = std::move(*smaller);
        has_shrunk = true;
      }
    }
  }
  return sample;
}

}  // namespace slipway::fuzz
