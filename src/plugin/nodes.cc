#include "plugin/nodes.h"

#include <algorithm>

#include "ops/dynamic_ops.h"

namespace slipway {
namespace {

constexpr int kMaxDepth = 64;

// "onnx com.acme.Foo"
std::string ForeignName(const CustomOp& op) {
  return std::string(FormatName(op.format)) + " " + (op.domain.empty() ? "" : op.domain + ".") + op.op;
}

bool IsGivenNow(const Node& node) {
  const auto op = ParseCustomOp(node.op);
  return op && FindForeign(op->format, op->domain, op->op, op->version).op != nullptr;
}

bool HasGivenNow(const Graph& graph, int depth) {
  if (depth > kMaxDepth) return false;
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
    if (IsGivenNow(node)) return true;
    return std::any_of(node.attrs.begin(), node.attrs.end(), [&](const auto& item) {
      const auto* sub = std::get_if<GraphRef>(&item.second);
      return sub != nullptr && *sub != nullptr && HasGivenNow(**sub, depth + 1);
    });
  });
}

// Writes the graph anew, with plugins' nodes in place of those that waited for them.
class Rebuilder {
 public:
  explicit Rebuilder(const Graph& source) : source_(source), ids_(source.values.size(), kNoValue) {}

  Result<Graph> Run(int* count) {
    target_.name = source_.name;
    target_.states = source_.states;
    for (ValueId id : source_.inputs) {
      const Value& value = source_.value(id);
      At(id) = builder_.Input(value.name, value.type, value.quant);
    }
    for (size_t i = 0; i < source_.values.size(); ++i) {
      const Value& value = source_.values[i];
      if (value.IsConstant()) ids_[i] = builder_.Constant(value.name, value.data, value.quant);
    }
    for (const Node& node : source_.nodes) {
      SLIPWAY_RETURN_IF_ERROR(IsGivenNow(node) ? Give(node, count) : Copy(node, count));
    }
    for (ValueId id : source_.outputs) target_.outputs.push_back(At(id));
    return std::move(target_);
  }

 private:
  ValueId& At(ValueId id) { return ids_[static_cast<size_t>(id)]; }

  std::vector<ValueId> InputsOf(const Node& node) {
    std::vector<ValueId> inputs;
    for (ValueId id : node.inputs) inputs.push_back(id == kNoValue ? kNoValue : At(id));
    return inputs;
  }

  Status Give(const Node& node, int* count) {
    const CustomOp op = *ParseCustomOp(node.op);
    ForeignNode foreign;
    foreign.format = op.format;
    foreign.domain = op.domain;
    foreign.op = op.op;
    foreign.version = op.version;
    foreign.name = node.name;
    foreign.inputs = InputsOf(node);
    foreign.attrs = node.attrs;
    for (ValueId id : node.outputs) {
      Value output;
      if (id != kNoValue)
        output = {source_.value(id).name, source_.value(id).type, source_.value(id).quant, {}};
      foreign.outputs.push_back(std::move(output));
    }
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> made, ImportNode(foreign, builder_));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      if (made[i] == kNoValue)
        return Status(Code::kInvalidModel,
                      foreign.op + " '" + node.name + "': output " + std::to_string(i) + " is not available");
      At(node.outputs[i]) = made[i];
    }
    ++*count;
    return Status::Ok();
  }

  Status Copy(const Node& node, int* count) {
    Node copy = node;
    copy.inputs = InputsOf(node);
    for (const auto& [name, attr] : node.attrs) {
      const auto* sub = std::get_if<GraphRef>(&attr);
      if (sub == nullptr || *sub == nullptr || !HasGivenNow(**sub, 0)) continue;
      SLIPWAY_ASSIGN_OR_RETURN(Graph rebuilt, Rebuilder(**sub).Run(count));
      copy.attrs.Set(name, std::make_shared<const Graph>(std::move(rebuilt)));
    }
    std::vector<GraphBuilder::Output> outputs;
    for (ValueId id : node.outputs) {
      GraphBuilder::Output& output = outputs.emplace_back();
      output.is_left_out = id == kNoValue;
      if (id == kNoValue) continue;
      const Value& value = source_.value(id);
      output.name = value.name;
      output.quant = value.quant;
      output.declared = value.type;
    }
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> made,
                             builder_.Add(std::move(copy), std::move(outputs)));
    for (size_t i = 0; i < made.size(); ++i) {
      if (made[i] != kNoValue) At(node.outputs[i]) = made[i];
    }
    return Status::Ok();
  }

  const Graph& source_;
  Graph target_;
  GraphBuilder builder_{target_};
  std::vector<ValueId> ids_;  // of the target, by the source's
};

template <class Visit>
void ForEachWaiting(const Graph& graph, int depth, const Visit& visit) {
  if (depth > kMaxDepth) return;
  for (const Node& node : graph.nodes) {
    if (const auto op = ParseCustomOp(node.op)) visit(*op, node);
    for (const auto& [name, attr] : node.attrs) {
      const auto* sub = std::get_if<GraphRef>(&attr);
      if (sub != nullptr && *sub != nullptr) ForEachWaiting(**sub, depth + 1, visit);
    }
  }
}

}  // namespace

Result<int> GivePlugins(Graph& graph) {
  if (!HasGivenNow(graph, 0)) return 0;
  int count = 0;
  SLIPWAY_ASSIGN_OR_RETURN(graph, Rebuilder(graph).Run(&count));
  return count;
}

std::vector<std::string> WaitingNodes(const Graph& graph) {
  std::vector<std::string> names;
  ForEachWaiting(graph, 0, [&](const CustomOp& op, const Node& node) {
    names.push_back((op.domain.empty() ? "" : op.domain + ".") + op.op + " '" + node.name + "'");
  });
  return names;
}

Status CheckNoneWaits(const Graph& graph) {
  std::vector<std::string> claims;
  const std::vector<std::string> names = WaitingNodes(graph);
  if (names.empty()) return Status::Ok();
  ForEachWaiting(graph, 0, [&](const CustomOp& op, const Node&) {
    std::string claim = ForeignName(op);
    if (std::find(claims.begin(), claims.end(), claim) == claims.end()) claims.push_back(std::move(claim));
  });
  std::string message = std::to_string(names.size()) + (names.size() == 1 ? " node waits for its plugin:"
                                                                          : " nodes wait for their plugins:");
  for (const std::string& name : names) message += "\n    " + name;
  std::string list;
  for (const std::string& claim : claims) list += (list.empty() ? "" : ", ") + claim;
  return Status(Code::kUnsupported, std::move(message),
                "give the library of a plugin that claims " + list + ": --plugin LIBRARY.so");
}

}  // namespace slipway
