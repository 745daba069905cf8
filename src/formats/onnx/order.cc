#include "formats/onnx/order.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <string>
#include <unordered_map>

namespace slipway::onnx {
namespace {

void CollectReads(const NodeProto& node, std::vector<std::string_view>& names);

// Names that a sub-graph reads and does not define.
void CollectFree(const GraphProto& graph, std::vector<std::string_view>& names) {
  std::set<std::string_view> defined;
  for (const ValueInfoProto& input : graph.inputs) defined.insert(input.name);
  for (const InitializerProto& initializer : graph.initializers) defined.insert(initializer.name);
  for (const NodeProto& node : graph.nodes) defined.insert(node.outputs.begin(), node.outputs.end());
  std::vector<std::string_view> reads;
  for (const NodeProto& node : graph.nodes) CollectReads(node, reads);
  for (const ValueInfoProto& output : graph.outputs) reads.push_back(output.name);
  for (std::string_view name : reads) {
    if (!defined.count(name)) names.push_back(name);
  }
}

void CollectReads(const NodeProto& node, std::vector<std::string_view>& names) {
  for (std::string_view name : node.inputs) {
    if (!name.empty()) names.push_back(name);
  }
  for (const AttributeProto& attribute : node.attributes) {
    if (attribute.graph) CollectFree(*attribute.graph, names);
  }
}

using Producers = std::unordered_map<std::string_view, size_t>;

bool IsConstant(const NodeProto& node) { return node.domain.empty() && node.op_type == "Constant"; }

// Of two Constants of one name the last counts, as in onnxruntime, which reads them as initializers.
Result<Producers> FindProducers(const std::vector<NodeProto>& nodes) {
  Producers producers;
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (std::string_view name : nodes[i].outputs) {
      if (name.empty()) continue;
      const auto [found, is_new] = producers.emplace(name, i);
      if (is_new) continue;
      if (IsConstant(nodes[found->second]) && IsConstant(nodes[i])) {
        found->second = i;
        continue;
      }
      return Status(
          Code::kInvalidModel,
          "value '" + std::string(name) + "' is made twice: by " + DescribeNode(nodes[found->second]) +
              " and by " + DescribeNode(nodes[i]),
          "names must be unique within a graph (onnx.checker says so, too): export the model again");
    }
  }
  return producers;
}

// Walks from a node that never became ready to a cycle, and spells it.
std::string SpellCycle(const std::vector<NodeProto>& nodes, const std::vector<std::vector<size_t>>& sources,
                       const std::vector<bool>& is_stuck, size_t start) {
  std::vector<size_t> path;
  std::unordered_map<size_t, size_t> position;
  size_t at = start;
  while (position.emplace(at, path.size()).second) {
    path.push_back(at);
    at = *std::find_if(sources[at].begin(), sources[at].end(), [&](size_t i) { return is_stuck[i]; });
  }
  std::string text = DescribeNode(nodes[at]);
  constexpr size_t kMaxSpelled = 8;
  size_t spelled = 0;
  for (size_t i = path.size(); i-- > position[at] + 1;) {
    text += ++spelled < kMaxSpelled ? " -> " + DescribeNode(nodes[path[i]]) : "";
    if (spelled == kMaxSpelled) text += " -> ...";
  }
  return text + " -> " + DescribeNode(nodes[at]);
}

}  // namespace

std::vector<std::string_view> NamesRead(const NodeProto& node) {
  std::vector<std::string_view> names;
  CollectReads(node, names);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string DescribeNode(const NodeProto& node) {
  std::string text(node.op_type);
  if (!node.name.empty()) return text + " '" + std::string(node.name) + "'";
  return text + " that makes '" + std::string(node.outputs.empty() ? "" : node.outputs[0]) + "'";
}

Result<std::vector<const NodeProto*>> OrderNodes(const std::vector<NodeProto>& nodes,
                                                 const std::vector<std::string_view>& outputs,
                                                 const std::set<std::string_view>& given) {
  SLIPWAY_ASSIGN_OR_RETURN(const Producers producers, FindProducers(nodes));
  std::vector<bool> is_needed(nodes.size(), false);
  std::vector<std::vector<size_t>> sources(nodes.size());
  std::vector<size_t> pending;
  const auto need = [&](std::string_view name, std::vector<size_t>* reads_from) {
    const auto found = producers.find(name);
    if (found == producers.end() || given.count(name)) return;
    if (reads_from != nullptr) reads_from->push_back(found->second);
    if (is_needed[found->second]) return;
    is_needed[found->second] = true;
    pending.push_back(found->second);
  };
  for (std::string_view name : outputs) need(name, nullptr);
  while (!pending.empty()) {
    const size_t i = pending.back();
    pending.pop_back();
    for (std::string_view name : NamesRead(nodes[i])) need(name, &sources[i]);
  }

  std::vector<size_t> waits_for(nodes.size(), 0);
  std::vector<std::vector<size_t>> readers(nodes.size());
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!is_needed[i]) continue;
    waits_for[i] = sources[i].size();
    for (size_t source : sources[i]) readers[source].push_back(i);
    if (waits_for[i] == 0) ready.push(i);
  }
  std::vector<const NodeProto*> ordered;
  std::vector<bool> is_stuck = is_needed;
  while (!ready.empty()) {
    const size_t i = ready.top();
    ready.pop();
    is_stuck[i] = false;
    ordered.push_back(&nodes[i]);
    for (size_t reader : readers[i]) {
      if (--waits_for[reader] == 0) ready.push(reader);
    }
  }
  const auto stuck = std::find(is_stuck.begin(), is_stuck.end(), true);
  if (stuck == is_stuck.end()) return ordered;
  const auto start = static_cast<size_t>(stuck - is_stuck.begin());
  return Status(Code::kInvalidModel, "the graph has a cycle: " + SpellCycle(nodes, sources, is_stuck, start),
                "export the model again");
}

}  // namespace slipway::onnx
