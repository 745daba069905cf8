// The graph: values, and nodes that compute values from values.
//
// Nodes stand in topological order. Every value has one producer: a node, the graph's inputs, or itself (a
// constant). Control flow is nodes with sub-graphs in attributes; a sub-graph sees only its own inputs, so
// what it captures from outside is passed in explicitly (closure-converted by the importers).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/attrs.h"
#include "ir/dim.h"

namespace slipway {

using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1;  // an optional input or output that is left out

// What a value may hold. Written to .slip files: never renumber.
enum class TypeKind : uint8_t { kTensor = 0, kSequence = 1, kOptionalTensor = 2, kOptionalSequence = 3 };

// dtype and shape of a tensor, or of the elements of a sequence or optional.
struct Type {
  TypeKind kind = TypeKind::kTensor;
  DType dtype = DType::kNone;    // kNone: not known yet
  std::optional<DimList> shape;  // nullopt: even the rank is unknown

  static Type Of(DType dtype, DimList shape) { return {TypeKind::kTensor, dtype, std::move(shape)}; }
  static Type OfUnknownShape(DType dtype) { return {TypeKind::kTensor, dtype, std::nullopt}; }

  bool HasRank() const { return shape.has_value(); }
  // REQUIRES: HasRank().
  int rank() const { return static_cast<int>(shape->size()); }
  bool IsStatic() const { return shape && AllKnown(*shape); }
  bool operator==(const Type&) const = default;
};

std::string ToString(const Type& type);  // "f32[N,3,224,224]", "seq(i64[?])", "f32[*]"

struct Value {
  std::string name;  // the source's own, unique in its graph
  Type type;
  std::optional<Quant> quant;  // set: the integers stand for reals
  Tensor data;                 // a constant's content; none for computed values

  bool IsConstant() const { return !data.IsNone(); }
};

struct Node {
  std::string op;    // name of the operator's record
  std::string name;  // for people; unique in its graph
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  Attrs attrs;
  // Provenance: "<source operator> '<source name>'" of every foreign node that this one stands for.
  std::vector<std::string> sources;

  bool HasInput(size_t i) const { return i < inputs.size() && inputs[i] != kNoValue; }
};

struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  // What one run hands to the next (recurrent layers, variables): the last states.size() inputs are fed from
  // the last states.size() outputs of the run before, and from these tensors the first time. Their types are
  // static; sub-graphs have none.
  std::vector<Tensor> states;

  // What a caller gives and gets: inputs and outputs without the states.
  std::span<const ValueId> CallerInputs() const { return {inputs.data(), inputs.size() - states.size()}; }
  std::span<const ValueId> CallerOutputs() const { return {outputs.data(), outputs.size() - states.size()}; }

  // An operand left out reads as a value of no type: importers may ask before they know that it is missing.
  Value& value(ValueId id) { return id == kNoValue ? Nothing() : values[static_cast<size_t>(id)]; }
  const Value& value(ValueId id) const {
    return id == kNoValue ? Nothing() : values[static_cast<size_t>(id)];
  }

  // Adds a value; a name that is empty or taken gets a number behind it.
  ValueId AddValue(Value value);
  ValueId AddConstant(std::string name, Tensor data, std::optional<Quant> quant = std::nullopt);
  // kNoValue when there is none of that name.
  ValueId FindValue(std::string_view name) const;

  // Index of the node that computes each value; -1 for inputs and constants.
  std::vector<int> Producers() const;
  // How many node inputs and graph outputs read each value.
  std::vector<int> UseCounts() const;
  // Drops the nodes marked (same length as nodes), then values nobody mentions; renumbers values.
  void Compact(const std::vector<bool>& is_node_dropped);
  // Orders nodes so that each comes after what it reads (stable). An error names a node on a cycle.
  Status SortTopologically();

 private:
  // Empty again on every call, whatever the last caller wrote into it.
  static Value& Nothing();
  // Names taken, kept lazily: rebuilt when values were renamed behind its back is not supported; use
  // AddValue.
  std::map<std::string, int, std::less<>> name_uses_;
};

// Bytes of all constants, sub-graphs included.
int64_t ConstantBytes(const Graph& graph);

}  // namespace slipway
