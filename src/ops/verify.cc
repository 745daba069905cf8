#include "ops/verify.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "ops/dynamic_ops.h"
#include "ops/infer.h"

namespace slipway {
namespace {

constexpr int kMaxDepth = 64;

Status Broken(std::string message) { return Status(Code::kInvalidModel, std::move(message)); }

std::string Name(const Node& node) { return node.op + " '" + node.name + "'"; }

bool IsId(const Graph& graph, ValueId id) { return id >= 0 && static_cast<size_t>(id) < graph.values.size(); }

Status CheckValue(const Value& value) {
  if (value.quant) {
    const Quant& quant = *value.quant;
    if (quant.scales.empty() || quant.scales.size() != quant.zero_points.size()) {
      return Broken("value '" + value.name + "' has " + std::to_string(quant.scales.size()) + " scales and " +
                    std::to_string(quant.zero_points.size()) + " zero points");
    }
    for (float scale : quant.scales) {
      if (!std::isfinite(scale) || scale < 0)
        return Broken("value '" + value.name + "' has a scale that is no positive number");
    }
    const bool has_axis = !quant.IsPerAxis() || (value.type.HasRank() && quant.axis < value.type.rank());
    if (!has_axis) return Broken("value '" + value.name + "' is quantised along an axis it lacks");
    if (quant.IsPerAxis()) {
      const Dim& dim = (*value.type.shape)[static_cast<size_t>(quant.axis)];
      if (dim.IsKnown() && dim.value() != static_cast<int64_t>(quant.scales.size())) {
        return Broken("value '" + value.name + "' has " + std::to_string(quant.scales.size()) +
                      " scales along an axis of " + dim.ToString());
      }
    }
  }
  return Status::Ok();
}

Status CheckStructure(const Graph& graph, int depth);

Status CheckNode(const Graph& graph, const Node& node, std::vector<bool>& is_defined, int depth) {
  for (ValueId id : node.inputs) {
    if (id == kNoValue) continue;
    if (!IsId(graph, id))
      return Broken(Name(node) + " reads value " + std::to_string(id) + ", which does not exist");
    if (!is_defined[static_cast<size_t>(id)]) {
      return Broken(Name(node) + " reads '" + graph.value(id).name + "' before it is computed");
    }
  }
  for (ValueId id : node.outputs) {
    if (id == kNoValue) continue;
    if (!IsId(graph, id))
      return Broken(Name(node) + " writes value " + std::to_string(id) + ", which does not exist");
    if (is_defined[static_cast<size_t>(id)])
      return Broken("value '" + graph.value(id).name + "' is computed twice");
    is_defined[static_cast<size_t>(id)] = true;
  }
  const OpDef* op = FindOp(node.op);
  if (op == nullptr) return UnknownOps(graph);
  Node completed = node;
  SLIPWAY_RETURN_IF_ERROR(CompleteAttrs(*op, completed));
  for (const auto& [name, attr] : node.attrs) {
    if (const auto* sub = std::get_if<GraphRef>(&attr)) {
      if (*sub == nullptr) return Broken(Name(node) + ": sub-graph '" + name + "' is missing");
      if (Status status = CheckStructure(**sub, depth + 1); !status.ok())
        return status.WithContext(Name(node));
    }
  }
  return Status::Ok();
}

Status CheckStructure(const Graph& graph, int depth) {
  if (depth > kMaxDepth) return Broken("sub-graphs are nested too deep");
  if (depth > 0 && !graph.states.empty()) return Broken("sub-graph '" + graph.name + "' has states");
  if (graph.states.size() > std::min(graph.inputs.size(), graph.outputs.size()))
    return Broken("graph '" + graph.name + "' has " + std::to_string(graph.states.size()) +
                  " states; each needs an input and an output");
  std::set<std::string_view> names;
  std::vector<bool> is_defined(graph.values.size(), false);
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.name.empty()) return Broken("value " + std::to_string(i) + " has no name");
    if (!names.insert(value.name).second) return Broken("two values are called '" + value.name + "'");
    SLIPWAY_RETURN_IF_ERROR(CheckValue(value));
    is_defined[i] = value.IsConstant();
  }
  for (ValueId id : graph.inputs) {
    if (!IsId(graph, id)) return Broken("a graph input does not exist");
    if (is_defined[static_cast<size_t>(id)])
      return Broken("input '" + graph.value(id).name + "' is a constant or stands twice");
    is_defined[static_cast<size_t>(id)] = true;
  }
  for (const Node& node : graph.nodes) SLIPWAY_RETURN_IF_ERROR(CheckNode(graph, node, is_defined, depth));
  for (ValueId id : graph.outputs) {
    if (!IsId(graph, id)) return Broken("a graph output does not exist");
    if (!is_defined[static_cast<size_t>(id)])
      return Broken("output '" + graph.value(id).name + "' is never computed");
  }
  return Status::Ok();
}

// Types have been inferred: what a state hands on is what it takes.
Status CheckStates(const Graph& graph) {
  for (size_t i = 0; i < graph.states.size(); ++i) {
    const Value& from = graph.value(graph.outputs[graph.CallerOutputs().size() + i]);
    const Value& to = graph.value(graph.inputs[graph.CallerInputs().size() + i]);
    const Type start = Type::Of(graph.states[i].dtype(), ToDimList(graph.states[i].dims()));
    if (to.type == start && from.type == start && start.dtype != DType::kString) continue;
    return Broken("state '" + to.name + "' is " + ToString(to.type) + ", starts as " + ToString(start) +
                  " and is handed on as " + ToString(from.type));
  }
  return Status::Ok();
}

bool IsComplete(const Graph& graph) {
  return std::all_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) {
    const OpDef& op = *FindOp(node.op);
    const bool has_all = std::all_of(op.attrs.begin(), op.attrs.end(), [&](const AttrDef& def) {
      return node.attrs.Has(def.name) || !def.has_default;
    });
    return has_all && std::all_of(node.attrs.begin(), node.attrs.end(), [](const auto& item) {
             const auto* sub = std::get_if<GraphRef>(&item.second);
             return sub == nullptr || IsComplete(**sub);
           });
  });
}

// Attributes left out get their defaults; a sub-graph is copied only where it lacks some.
// REQUIRES: CheckStructure found nothing.
Status CompleteNodes(Graph& graph) {
  for (Node& node : graph.nodes) {
    SLIPWAY_RETURN_IF_ERROR(CompleteAttrs(*FindOp(node.op), node));
    for (const auto& [name, attr] : node.attrs) {
      const auto* sub = std::get_if<GraphRef>(&attr);
      if (sub == nullptr || IsComplete(**sub)) continue;
      Graph completed = **sub;
      SLIPWAY_RETURN_IF_ERROR(CompleteNodes(completed));
      node.attrs.Set(name, std::make_shared<const Graph>(std::move(completed)));
    }
  }
  return Status::Ok();
}

bool Contradict(const Type& declared, const Type& inferred) {
  if (declared.kind != inferred.kind) return true;
  if (declared.dtype != DType::kNone && inferred.dtype != DType::kNone && declared.dtype != inferred.dtype)
    return true;
  if (!declared.shape || !inferred.shape) return false;
  if (declared.shape->size() != inferred.shape->size()) return true;
  for (size_t i = 0; i < declared.shape->size(); ++i) {
    const Dim& a = (*declared.shape)[i];
    const Dim& b = (*inferred.shape)[i];
    if (a.IsKnown() && b.IsKnown() && a.value() != b.value()) return true;
  }
  return false;
}

}  // namespace

Status VerifyGraph(Graph& graph) {
  SLIPWAY_RETURN_IF_ERROR(CheckStructure(graph, 0));
  SLIPWAY_RETURN_IF_ERROR(CompleteNodes(graph));
  std::vector<Type> declared;
  for (const Value& value : graph.values) declared.push_back(value.type);
  SLIPWAY_RETURN_IF_ERROR(InferGraph(graph));
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (!Contradict(declared[i], value.type)) continue;
    return Broken("value '" + value.name + "' is declared " + ToString(declared[i]) +
                  ", but is computed as " + ToString(value.type));
  }
  return CheckStates(graph);
}

}  // namespace slipway
