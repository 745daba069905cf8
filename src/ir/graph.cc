#include "ir/graph.h"

#include <algorithm>
#include <queue>

namespace slipway {

std::string ToString(const Type& type) {
  std::string text(DTypeName(type.dtype));
  text += type.shape ? ToString(*type.shape) : "[*]";
  switch (type.kind) {
    case TypeKind::kTensor: return text;
    case TypeKind::kSequence: return "seq(" + text + ")";
    case TypeKind::kOptionalTensor: return "optional(" + text + ")";
    case TypeKind::kOptionalSequence: return "optional(seq(" + text + "))";
  }
  return text;
}

Value& Graph::Nothing() {
  thread_local Value nothing;
  nothing = Value();
  return nothing;
}

ValueId Graph::AddValue(Value value) {
  if (name_uses_.empty()) {
    for (const Value& existing : values) name_uses_.emplace(existing.name, 0);
  }
  std::string base = value.name.empty() ? "v" : value.name;
  std::string unique = base;
  if (value.name.empty() || name_uses_.count(unique)) {
    int& number = name_uses_[base];
    do {
      unique = base + "_" + std::to_string(++number);
    } while (name_uses_.count(unique));
  }
  name_uses_.emplace(unique, 0);
  value.name = std::move(unique);
  values.push_back(std::move(value));
  return static_cast<ValueId>(values.size()) - 1;
}

ValueId Graph::AddConstant(std::string name, Tensor data, std::optional<Quant> quant) {
  Value value;
  value.name = std::move(name);
  value.type = Type::Of(data.dtype(), ToDimList(data.dims()));
  value.quant = std::move(quant);
  value.data = std::move(data);
  return AddValue(std::move(value));
}

ValueId Graph::FindValue(std::string_view wanted) const {
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].name == wanted) return static_cast<ValueId>(i);
  }
  return kNoValue;
}

std::vector<int> Graph::Producers() const {
  std::vector<int> producers(values.size(), -1);
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (ValueId output : nodes[i].outputs) {
      if (output != kNoValue) producers[static_cast<size_t>(output)] = static_cast<int>(i);
    }
  }
  return producers;
}

std::vector<int> Graph::UseCounts() const {
  std::vector<int> counts(values.size(), 0);
  for (const Node& node : nodes) {
    for (ValueId input : node.inputs) {
      if (input != kNoValue) ++counts[static_cast<size_t>(input)];
    }
  }
  for (ValueId output : outputs) ++counts[static_cast<size_t>(output)];
  return counts;
}

void Graph::Compact(const std::vector<bool>& is_node_dropped) {
  std::vector<Node> kept_nodes;
  kept_nodes.reserve(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!is_node_dropped[i]) kept_nodes.push_back(std::move(nodes[i]));
  }
  nodes = std::move(kept_nodes);

  std::vector<bool> is_used(values.size(), false);
  const auto mark = [&](const std::vector<ValueId>& ids) {
    for (ValueId id : ids) {
      if (id != kNoValue) is_used[static_cast<size_t>(id)] = true;
    }
  };
  mark(inputs);
  mark(outputs);
  for (const Node& node : nodes) {
    mark(node.inputs);
    mark(node.outputs);
  }

  std::vector<ValueId> renumbered(values.size(), kNoValue);
  std::vector<Value> kept_values;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!is_used[i]) continue;
    renumbered[i] = static_cast<ValueId>(kept_values.size());
    kept_values.push_back(std::move(values[i]));
  }
  values = std::move(kept_values);
  name_uses_.clear();
  const auto renumber = [&](std::vector<ValueId>& ids) {
    for (ValueId& id : ids) {
      if (id != kNoValue) id = renumbered[static_cast<size_t>(id)];
    }
  };
  renumber(inputs);
  renumber(outputs);
  for (Node& node : nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
}

Status Graph::SortTopologically() {
  const std::vector<int> producers = Producers();
  std::vector<int> pending(nodes.size(), 0);
  std::vector<std::vector<int>> readers(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (ValueId input : nodes[i].inputs) {
      const int producer = input == kNoValue ? -1 : producers[static_cast<size_t>(input)];
      if (producer < 0) continue;
      ++pending[i];
      readers[static_cast<size_t>(producer)].push_back(static_cast<int>(i));
    }
  }
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (pending[i] == 0) ready.push(static_cast<int>(i));
  }
  std::vector<Node> sorted;
  sorted.reserve(nodes.size());
  std::vector<bool> is_done(nodes.size(), false);
  while (!ready.empty()) {
    const auto next = static_cast<size_t>(ready.top());
    ready.pop();
    is_done[next] = true;
    sorted.push_back(nodes[next]);
    for (int reader : readers[next]) {
      if (--pending[static_cast<size_t>(reader)] == 0) ready.push(reader);
    }
  }
  if (sorted.size() == nodes.size()) {
    nodes = std::move(sorted);
    return Status::Ok();
  }
  const auto stuck = static_cast<size_t>(std::find(is_done.begin(), is_done.end(), false) - is_done.begin());
  return Status(Code::kInvalidModel,
                "node '" + nodes[stuck].name + "' (" + nodes[stuck].op + ") depends on its own result",
                "the model has a cycle: export it again");
}

int64_t ConstantBytes(const Graph& graph) {
  int64_t total = 0;
  for (const Value& value : graph.values) {
    if (value.IsConstant()) total += value.data.size_bytes();
  }
  for (const Node& node : graph.nodes) {
    for (const auto& [name, attr] : node.attrs) {
      if (const auto* sub = std::get_if<GraphRef>(&attr); sub && *sub) total += ConstantBytes(**sub);
    }
  }
  return total;
}

}  // namespace slipway
