#include "passes/axis_order.h"

#include <numeric>

#include "ops/transpose_tensor.h"

namespace slipway {
namespace {

// Axis i of the result is axis perm[i] of the type.
Type Turned(const Type& type, const AxisOrder& perm) {
  Type turned = type;
  for (size_t i = 0; i < perm.size(); ++i) (*turned.shape)[i] = (*type.shape)[static_cast<size_t>(perm[i])];
  return turned;
}

AxisOrder Inverse(const AxisOrder& order) {
  AxisOrder inverse(order.size());
  for (size_t i = 0; i < order.size(); ++i) inverse[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return inverse;
}

// Axes of extent 1 aside, the order stays: no element moves.
bool MovesNothing(const Type& type, const AxisOrder& perm) {
  int64_t last = -1;
  for (int64_t axis : perm) {
    const Dim& dim = (*type.shape)[static_cast<size_t>(axis)];
    if (dim.IsKnown() && dim.value() == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

}  // namespace

AxisOrder IdentityOrder(int rank) {
  AxisOrder order(static_cast<size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

bool IsIdentity(const AxisOrder& order) { return order == IdentityOrder(static_cast<int>(order.size())); }

double RoughCount(const Type& type) {
  if (!type.HasRank()) return 0;
  double count = 1;
  for (const Dim& dim : *type.shape) count *= dim.IsKnown() ? static_cast<double>(dim.value()) : 8;
  return count;
}

AxisOrder ToOrder(const AxisOrder& order) { return Inverse(order); }

ValueId TurnConstant(Graph& graph, ValueId id, const AxisOrder& perm) {
  Value value = graph.value(id);
  value.data = TransposeTensor(value.data, perm);
  value.type = Turned(value.type, perm);
  if (value.quant && value.quant->axis >= 0 && value.quant->scales.size() > 1)
    value.quant->axis = static_cast<int>(Inverse(perm)[static_cast<size_t>(value.quant->axis)]);
  return graph.AddValue(std::move(value));
}

AxisOrders::AxisOrders(Graph& graph, AxisMode mode)
    : graph_(graph), mode_(mode), uses_(graph.UseCounts()), places_(graph.values.size()) {
  for (size_t v = 0; v < places_.size(); ++v) {
    places_[v].stored = static_cast<ValueId>(v);
    places_[v].order = order_of_rank(static_cast<ValueId>(v));
  }
}

AxisOrder AxisOrders::order_of_rank(ValueId id) const {
  const Type& t = graph_.value(id).type;
  return t.kind == TypeKind::kTensor && t.HasRank() ? IdentityOrder(t.rank()) : AxisOrder();
}

void AxisOrders::Keep(ValueId id, ValueId stored, AxisOrder order) {
  places_[static_cast<size_t>(id)] = {stored, std::move(order)};
}

ValueId AxisOrders::NewStored(ValueId id, const AxisOrder& order) {
  if (IsIdentity(order)) return id;
  Value value = graph_.value(id);
  value.type = Turned(value.type, Inverse(order));
  const ValueId stored = graph_.AddValue(std::move(value));
  Keep(id, stored, order);
  return stored;
}

// A Transpose of `stored` by `perm` (axis i of the result is axis perm[i]); `into` kNoValue: a new value.
ValueId AxisOrders::Turn(ValueId stored, const AxisOrder& perm, ValueId into, const std::string& name) {
  const Type from = graph_.value(stored).type;
  if (into == kNoValue) {
    Value value = graph_.value(stored);
    value.name = name;
    value.data = Tensor();
    value.type = Turned(from, perm);
    into = graph_.AddValue(std::move(value));
  }
  Node node;
  node.name = graph_.value(into).name + "/order";
  node.outputs = {into};
  if (MovesNothing(from, perm) && graph_.value(into).type.IsStatic()) {
    const Dims dims = KnownDims(*graph_.value(into).type.shape);
    const ValueId shape = graph_.AddConstant(
        node.name + "/shape", Tensor::From<int64_t>(DType::kI64, {static_cast<int64_t>(dims.size())}, dims));
    node.op = "Reshape";
    node.inputs = {stored, shape};
  } else {
    node.op = "Transpose";
    node.inputs = {stored};
    node.attrs = {{"perm", perm}};
  }
  Emit(std::move(node));
  return into;
}

// What only one node reads goes at once: a network's weights are not held twice.
ValueId AxisOrders::TurnedConstant(ValueId stored, const AxisOrder& perm) {
  constexpr int64_t kLargeCount = 4096;
  Tensor& data = graph_.value(stored).data;
  if (mode_ == AxisMode::kRehearsal && data.count() > kLargeCount) {
    Value value = graph_.value(stored);
    value.data = Tensor();
    value.type = Turned(value.type, perm);
    return graph_.AddValue(std::move(value));
  }
  const ValueId made = TurnConstant(graph_, stored, perm);
  if (uses_[static_cast<size_t>(stored)] == 1) graph_.value(stored).data = Tensor();
  return made;
}

ValueId AxisOrders::In(const AxisOrder& order, ValueId id) {
  if (id == kNoValue) return id;
  const Place place = places_[static_cast<size_t>(id)];
  if (place.order == order) return place.stored;
  const auto found = made_.find({id, order});
  if (found != made_.end()) return found->second;
  // logical[i] = place.stored[place.order[i]] = wanted[order[i]]
  const AxisOrder perm = ToStored(place.order, order);
  ValueId made;
  if (graph_.value(place.stored).IsConstant()) {
    made = TurnedConstant(place.stored, perm);
  } else {
    // The graph's own order under the graph's own name, unless the value is made in that order itself.
    const bool is_own = IsIdentity(order) && place.stored != id && graph_.value(id).data.IsNone();
    made = Turn(place.stored, perm, is_own ? id : kNoValue, graph_.value(id).name);
  }
  made_[{id, order}] = made;
  return made;
}

void AxisOrders::EmitPlain(Node node) {
  for (ValueId& id : node.inputs) id = Plain(id);
  Emit(std::move(node));
}

void AxisOrders::Finish() {
  for (ValueId id : graph_.outputs) {
    const ValueId plain = Plain(id);
    if (plain == id) continue;
    // Another value's storage is what this output is: it gets a name of its own.
    Node node;
    node.op = "Identity";
    node.name = graph_.value(id).name + "/output";
    node.inputs = {plain};
    node.outputs = {id};
    Emit(std::move(node));
    made_[{id, order_of_rank(id)}] = id;
    Keep(id, id, order_of_rank(id));
  }
  graph_.nodes = std::move(nodes_);
}

}  // namespace slipway
