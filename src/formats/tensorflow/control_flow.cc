// While and If: functions of the library become sub-graphs.
//
// A value that a loop hands on unchanged is a constant of the body where it is one outside, and a capture
// otherwise; so are operands of a branch. The types of carried values are widened until the body gives what
// it takes.
#include <algorithm>

#include "base/scalar.h"
#include "formats/tensorflow/handlers.h"
#include "formats/tensorflow/inline.h"
#include "formats/tensorflow/raise_control_flow.h"

namespace slipway::tensorflow {
namespace {

constexpr int kMaxDepth = 32;   // of sub-graphs within sub-graphs
constexpr int kMaxRounds = 16;  // of widening; each takes a shape further

Status Refuse(const TfNode& node, const std::string& what) {
  return Status(Code::kUnsupported, node.op + " '" + node.name + "' (tensorflow): " + what);
}

// An operand of a sub-graph, seen from outside and as the sub-graph takes it.
struct Operand {
  ValueId outside = kNoValue;
  bool is_constant = false;  // a constant inside too
  Type type;
  std::optional<ListInfo> list;
};

Operand OperandOf(Scope& scope, ValueId outside, bool may_be_constant) {
  Operand operand;
  operand.outside = outside;
  operand.type = scope.type(outside);
  const ListInfo* list = scope.ListOf(outside);
  if (list != nullptr) operand.list = *list;
  operand.is_constant = may_be_constant && scope.builder().constant(outside) != nullptr;
  return operand;
}

// A function of the library, ready to import.
struct Body {
  const TfFunction* function = nullptr;
  std::shared_ptr<const TfGraph> graph;
};

Result<Body> BodyOf(Scope& scope, const TfNode& node, const std::string& attr) {
  const std::string& name = node.attrs.String(attr);
  Body body;
  body.function = scope.source().FindFunction(name);
  if (body.function == nullptr)
    return Status(Code::kInvalidModel,
                  node.op + " '" + node.name + "': the graph has no function '" + name + "'");
  std::shared_ptr<const TfGraph>& ready = scope.state().bodies[name];
  if (ready == nullptr) {
    SLIPWAY_ASSIGN_OR_RETURN(const TfGraph flat, InlineBody(scope.source(), *body.function));
    SLIPWAY_ASSIGN_OR_RETURN(TfGraph raised, RaiseControlFlow(flat));
    ready = std::make_shared<const TfGraph>(std::move(raised));
  }
  body.graph = ready;
  return body;
}

// May the body be imported once more? Hostile nests would take for ever.
Status Enter(ImportState& state, const TfNode& node, const Body& body) {
  state.body_nodes_left -= static_cast<int64_t>(body.graph->nodes.size()) + 1;
  if (state.depth < kMaxDepth && state.body_nodes_left > 0) return Status::Ok();
  return Refuse(node, "loops and branches are nested too deep");
}

Status CheckOperands(const TfNode& node, const Body& body, size_t count) {
  if (body.function->args.size() == count) return Status::Ok();
  return Status(Code::kInvalidModel, node.op + " '" + node.name + "': function '" + body.function->name +
                                         "' takes " + std::to_string(body.function->args.size()) +
                                         " operands, the node has " + std::to_string(count));
}

// A sub-graph under construction, or the current graph where a branch is taken for good.
struct SubGraph {
  Graph graph;
  std::vector<ValueId> results;  // kNoValue: not supported
  std::vector<std::optional<ListInfo>> lists;

  Type ResultType(size_t i) const { return graph.value(results[i]).type; }
};

void Adopt(const Operand& operand, Scope& inner, const TfFunction& function, size_t i, Scope& outer) {
  const std::string& name = function.args[i];
  const Graph& outside = outer.builder().graph();
  const ValueId id = operand.is_constant ? inner.builder().Constant(name, outside.value(operand.outside).data)
                                         : inner.builder().Input(name, operand.type);
  if (operand.list) inner.SetList(id, *operand.list);
  inner.Bind(name, 0, id);
}

// Imports a function with these operands. `as_sequence[i]`: result i, a list, is to be a sequence.
Result<SubGraph> ImportBody(Scope& outer, const TfNode& node, const Body& body,
                            const std::vector<Operand>& operands, const std::vector<bool>& as_sequence) {
  ImportState& state = outer.state();
  SLIPWAY_RETURN_IF_ERROR(Enter(state, node, body));
  SubGraph sub;
  sub.graph.name = body.function->name;
  Scope inner(*body.graph, sub.graph, state);
  for (size_t i = 0; i < operands.size(); ++i) Adopt(operands[i], inner, *body.function, i, outer);
  ++state.depth;
  const Status status = inner.Import(body.function->results);
  --state.depth;
  if (!status.ok()) return status.WithContext("function '" + body.function->name + "'");
  for (size_t i = 0; i < body.function->results.size(); ++i) {
    ValueId id = inner.Find(body.function->results[i]);
    const ListInfo* list = id == kNoValue ? nullptr : inner.ListOf(id);
    std::optional<ListInfo> info = list ? std::optional<ListInfo>(*list) : std::nullopt;
    if (info && info->is_dense && i < as_sequence.size() && as_sequence[i]) {
      SLIPWAY_ASSIGN_OR_RETURN(id, AsSequence(inner, node, id));
      info->is_dense = false;
    }
    sub.results.push_back(id);
    sub.lists.push_back(std::move(info));
  }
  return sub;
}

bool HasAll(const SubGraph& sub) { return std::count(sub.results.begin(), sub.results.end(), kNoValue) == 0; }

GraphRef Finish(SubGraph sub, const std::vector<size_t>& kept) {
  for (size_t i : kept) sub.graph.outputs.push_back(sub.results[i]);
  Prune(sub.graph);
  return std::make_shared<const Graph>(std::move(sub.graph));
}

// Does the body give back argument `i` as it got it?
bool IsKept(const Body& body, size_t i) {
  TfInput at = ParseInput(body.function->results[i]);
  for (int hops = 0; hops < 64; ++hops) {
    if (at.node == body.function->args[i]) return true;
    const TfNode* node = body.graph->Find(at.node);
    const bool hands_on = node != nullptr && (node->op == "Identity" || node->op == "IdentityN");
    if (!hands_on || static_cast<size_t>(at.index) >= node->inputs.size()) return false;
    at = ParseInput(node->inputs[static_cast<size_t>(at.index)]);
  }
  return false;
}

bool SameShape(const std::optional<DimList>& a, const std::optional<DimList>& b) {
  return a.has_value() == b.has_value() && (!a || *a == *b);
}

// Widens what a loop carries to what its body gives back. False: nothing changed. Error: another dtype.
Result<bool> Widen(const TfNode& node, size_t i, const SubGraph& body, Operand& carried) {
  const Type given = body.ResultType(i);
  const bool is_list = carried.list.has_value();
  if (is_list != body.lists[i].has_value() || (!is_list && given.dtype != carried.type.dtype)) {
    return Status(Code::kInvalidModel, node.op + " '" + node.name + "': operand " + std::to_string(i) +
                                           " is " + ToString(carried.type) + ", its body gives " +
                                           ToString(given));
  }
  if (is_list) {
    std::optional<DimList> common = carried.list->is_open
                                        ? body.lists[i]->element
                                        : CommonShape(carried.list->element, body.lists[i]->element);
    const bool is_open = carried.list->is_open && body.lists[i]->is_open;
    const bool is_same = SameShape(common, carried.list->element) && is_open == carried.list->is_open;
    carried.list->element = std::move(common);
    carried.list->is_open = is_open;
    return !is_same;
  }
  std::optional<DimList> common = CommonShape(carried.type.shape, given.shape);
  if (SameShape(common, carried.type.shape)) return false;
  carried.type.shape = std::move(common);
  return true;
}

GraphBuilder::Output ResultOf(const TfNode& node, size_t i, const Type& type) {
  return {i == 0 ? node.name : Scope::Key(node.name, static_cast<int>(i)), {}, type, false};
}

}  // namespace

Status ImportWhile(Scope& scope, const TfNode& node, const std::vector<ValueId>& inputs) {
  SLIPWAY_ASSIGN_OR_RETURN(const Body cond, BodyOf(scope, node, "cond"));
  SLIPWAY_ASSIGN_OR_RETURN(const Body body, BodyOf(scope, node, "body"));
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, cond, inputs.size()));
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, body, inputs.size()));
  if (body.function->results.size() != inputs.size() || cond.function->results.size() != 1)
    return Status(Code::kInvalidModel, node.op + " '" + node.name + "': its functions give " +
                                           std::to_string(body.function->results.size()) + " and " +
                                           std::to_string(cond.function->results.size()) + " results for " +
                                           std::to_string(inputs.size()) + " operands");
  std::vector<Operand> operands;
  std::vector<bool> is_kept(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    is_kept[i] = IsKept(body, i);
    ValueId value = inputs[i];
    const ListInfo* list = scope.ListOf(value);
    if (list != nullptr && list->is_dense && !is_kept[i]) {
      SLIPWAY_ASSIGN_OR_RETURN(value, AsSequence(scope, node, value));
    }
    operands.push_back(OperandOf(scope, value, is_kept[i]));
  }
  std::vector<bool> as_sequence;
  for (bool kept : is_kept) as_sequence.push_back(!kept);

  // The body, until it gives what it takes.
  SubGraph ready;
  for (int round = 0;; ++round) {
    const size_t unsupported = scope.state().unsupported.size();
    SLIPWAY_ASSIGN_OR_RETURN(ready, ImportBody(scope, node, body, operands, as_sequence));
    if (scope.state().unsupported.size() > unsupported || !HasAll(ready)) return Status::Ok();
    bool has_changed = false;
    for (size_t i = 0; i < operands.size(); ++i) {
      if (is_kept[i]) continue;
      SLIPWAY_ASSIGN_OR_RETURN(const bool is_wider, Widen(node, i, ready, operands[i]));
      has_changed |= is_wider;
    }
    if (!has_changed) break;
    if (round >= kMaxRounds) return Refuse(node, "the shapes that it carries do not settle");
  }
  const size_t unsupported = scope.state().unsupported.size();
  SLIPWAY_ASSIGN_OR_RETURN(SubGraph condition, ImportBody(scope, node, cond, operands, {}));
  if (scope.state().unsupported.size() > unsupported || !HasAll(condition)) return Status::Ok();

  // Carried values first, then the captures; both functions take them in this order.
  std::vector<size_t> carried, captured;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!is_kept[i]) carried.push_back(i);
    if (is_kept[i] && !operands[i].is_constant) captured.push_back(i);
  }
  std::vector<size_t> order = carried;
  order.insert(order.end(), captured.begin(), captured.end());
  Node loop;
  loop.op = "While";
  loop.name = node.name;
  std::vector<GraphBuilder::Output> outputs;
  for (size_t i : order) loop.inputs.push_back(operands[i].outside);
  for (size_t k = 0; k < carried.size(); ++k) outputs.push_back(ResultOf(node, k, operands[carried[k]].type));
  // Inputs of a sub-graph stand in the order of its operands that are not constant.
  const auto reorder = [&](Graph& graph) {
    std::vector<ValueId> by_operand(operands.size(), kNoValue);
    size_t next = 0;
    for (size_t i = 0; i < operands.size(); ++i) {
      if (!operands[i].is_constant) by_operand[i] = graph.inputs[next++];
    }
    graph.inputs.clear();
    for (size_t i : order) graph.inputs.push_back(by_operand[i]);
  };
  reorder(ready.graph);
  reorder(condition.graph);
  loop.attrs.Set("body", Finish(std::move(ready), order));
  loop.attrs.Set("cond", Finish(std::move(condition), {0}));
  std::vector<ValueId> results;
  if (!carried.empty()) {
    SLIPWAY_ASSIGN_OR_RETURN(results, scope.builder().Add(std::move(loop), std::move(outputs)));
  }
  for (size_t k = 0; k < carried.size(); ++k) {
    const Operand& operand = operands[carried[k]];
    if (operand.list) scope.SetList(results[k], *operand.list);
    scope.Bind(node.name, static_cast<int>(carried[k]), results[k]);
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    if (is_kept[i]) scope.Bind(node.name, static_cast<int>(i), inputs[i]);
  }
  return Status::Ok();
}

namespace {

// One element, as If takes its condition: a number other than zero holds.
Result<ValueId> AsCondition(Scope& scope, const TfNode& node, ValueId value) {
  if (scope.type(value).dtype == DType::kBool) return value;
  if (scope.type(value).dtype == DType::kString) return Refuse(node, "its condition is a string");
  return scope.Add(node, "Cast", {value}, {{"to", DType::kBool}});
}

// The branch that a constant condition takes stands in the graph itself.
Status ImportTaken(Scope& scope, const TfNode& node, const Body& body, const std::vector<ValueId>& inputs) {
  SLIPWAY_RETURN_IF_ERROR(Enter(scope.state(), node, body));
  Scope inner(*body.graph, scope.builder().graph(), scope.state());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (const ListInfo* list = scope.ListOf(inputs[i])) inner.SetList(inputs[i], *list);
    inner.Bind(body.function->args[i], 0, inputs[i]);
  }
  ++scope.state().depth;
  const Status status = inner.Import(body.function->results);
  --scope.state().depth;
  if (!status.ok()) return status.WithContext("function '" + body.function->name + "'");
  for (size_t i = 0; i < body.function->results.size(); ++i) {
    const ValueId id = inner.Find(body.function->results[i]);
    if (id == kNoValue) continue;
    if (const ListInfo* list = inner.ListOf(id)) scope.SetList(id, *list);
    scope.Bind(node.name, static_cast<int>(i), id);
  }
  return Status::Ok();
}

Status ImportBranches(Scope& scope, const TfNode& node, ValueId condition, const Body& if_true,
                      const Body& if_false, const std::vector<ValueId>& inputs,
                      std::vector<ValueId>& results) {
  const size_t num_results = if_true.function->results.size();
  if (if_false.function->results.size() != num_results)
    return Status(Code::kInvalidModel, node.op + " '" + node.name + "': its branches give " +
                                           std::to_string(num_results) + " and " +
                                           std::to_string(if_false.function->results.size()) + " results");
  std::vector<Operand> operands;
  for (ValueId input : inputs) operands.push_back(OperandOf(scope, input, true));
  const std::vector<bool> as_sequence(num_results, true);
  const size_t unsupported = scope.state().unsupported.size();
  SLIPWAY_ASSIGN_OR_RETURN(SubGraph taken, ImportBody(scope, node, if_true, operands, as_sequence));
  SLIPWAY_ASSIGN_OR_RETURN(SubGraph other, ImportBody(scope, node, if_false, operands, as_sequence));
  if (scope.state().unsupported.size() > unsupported || !HasAll(taken) || !HasAll(other)) return Status::Ok();
  Node branch;
  branch.op = "If";
  branch.name = node.name;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId holds, AsCondition(scope, node, condition));
  branch.inputs.push_back(holds);
  for (const Operand& operand : operands) {
    if (!operand.is_constant) branch.inputs.push_back(operand.outside);
  }
  std::vector<GraphBuilder::Output> outputs;
  std::vector<std::optional<ListInfo>> lists;
  std::vector<size_t> all;
  for (size_t i = 0; i < num_results; ++i) {
    Type type = taken.ResultType(i);
    type.shape = CommonShape(type.shape, other.ResultType(i).shape);
    outputs.push_back(ResultOf(node, i, type));
    std::optional<ListInfo> list = taken.lists[i];
    if (list && other.lists[i]) list->element = CommonShape(list->element, other.lists[i]->element);
    lists.push_back(std::move(list));
    all.push_back(i);
  }
  branch.attrs.Set("then_branch", Finish(std::move(taken), all));
  branch.attrs.Set("else_branch", Finish(std::move(other), all));
  SLIPWAY_ASSIGN_OR_RETURN(results, scope.builder().Add(std::move(branch), std::move(outputs)));
  for (size_t i = 0; i < num_results; ++i) {
    if (lists[i]) scope.SetList(results[i], *lists[i]);
  }
  return Status::Ok();
}

}  // namespace

Status ImportIf(Scope& scope, const TfNode& node, const std::vector<ValueId>& inputs) {
  if (inputs.empty()) return Status(Code::kInvalidModel, node.op + " '" + node.name + "' has no condition");
  SLIPWAY_ASSIGN_OR_RETURN(const Body if_true, BodyOf(scope, node, "then_branch"));
  SLIPWAY_ASSIGN_OR_RETURN(const Body if_false, BodyOf(scope, node, "else_branch"));
  const std::vector<ValueId> operands(inputs.begin() + 1, inputs.end());
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, if_true, operands.size()));
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, if_false, operands.size()));
  const Tensor* known = scope.builder().constant(inputs[0]);
  if (known != nullptr && known->count() == 1 && known->dtype() != DType::kString) {
    const bool holds = LoadReal(known->dtype(), known->data(), 0) != 0;
    return ImportTaken(scope, node, holds ? if_true : if_false, operands);
  }
  std::vector<ValueId> results;
  SLIPWAY_RETURN_IF_ERROR(ImportBranches(scope, node, inputs[0], if_true, if_false, operands, results));
  for (size_t i = 0; i < results.size(); ++i) scope.Bind(node.name, static_cast<int>(i), results[i]);
  return Status::Ok();
}

}  // namespace slipway::tensorflow
