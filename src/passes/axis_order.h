// For passes that move transposes: a graph is rebuilt node by node while every value may be kept with its
// axes in another order than the graph says.
//
//   logical = Transpose(stored, perm)
//
// Transposes then cost nothing: they only change what `perm` says of the same stored value. A node that can
// work in another order (element-wise, along an axis) is rewritten to it; one that cannot asks for its inputs
// in the graph's order, and a Transpose is made there, once per value and order.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace slipway {

// Axis i of the logical value is axis order[i] of the stored one.
using AxisOrder = Ints;

AxisOrder IdentityOrder(int rank);
bool IsIdentity(const AxisOrder& order);
// What a logical list of one entry per axis is for the stored value.
template <class T>
std::vector<T> ToStored(const std::vector<T>& logical, const AxisOrder& order) {
  std::vector<T> stored(logical.size());
  for (size_t i = 0; i < logical.size(); ++i) stored[static_cast<size_t>(order[i])] = logical[i];
  return stored;
}
// Elements of a type, unknown extents taken as 8.
double RoughCount(const Type& type);

// A new constant: axis i is axis perm[i] of this one.
ValueId TurnConstant(Graph& graph, ValueId id, const AxisOrder& perm);
// The perm that turns a value from the graph's order into this one.
AxisOrder ToOrder(const AxisOrder& order);

// kRehearsal: large constants are turned in name only, for a graph that is thrown away.
enum class AxisMode { kReal, kRehearsal };

class AxisOrders {
 public:
  AxisOrders(Graph& graph, AxisMode mode);

  // The order in which the value is kept; the identity for values of unknown rank.
  const AxisOrder& order(ValueId id) const { return places_[static_cast<size_t>(id)].order; }
  // The value in that order: as it is kept, or by a Transpose (a Reshape where no element moves, a constant
  // turned). kNoValue stays kNoValue.
  ValueId In(const AxisOrder& order, ValueId id);
  // The value as the graph says.
  ValueId Plain(ValueId id) { return id == kNoValue ? id : In(order_of_rank(id), id); }

  // `id` is kept as `stored` in that order: no node is needed.
  void Keep(ValueId id, ValueId stored, AxisOrder order);
  // A new value for `id` kept in that order, of the type turned.
  ValueId NewStored(ValueId id, const AxisOrder& order);
  void Emit(Node node) { nodes_.push_back(std::move(node)); }
  // The node as it is, on plain inputs.
  void EmitPlain(Node node);
  // Graph outputs in the graph's order, under their own names; takes the nodes over.
  void Finish();

 private:
  struct Place {
    ValueId stored = kNoValue;
    AxisOrder order;
  };
  AxisOrder order_of_rank(ValueId id) const;
  ValueId TurnedConstant(ValueId stored, const AxisOrder& perm);
  ValueId Turn(ValueId stored, const AxisOrder& perm, ValueId into, const std::string& name);

  Graph& graph_;
  AxisMode mode_;
  std::vector<int> uses_;      // by ValueId of the graph as it was
  std::vector<Place> places_;  // likewise
  std::map<std::pair<ValueId, AxisOrder>, ValueId> made_;
  std::vector<Node> nodes_;
};

}  // namespace slipway
