// What a ForeignRow's import function works with: one foreign node and the graph under construction.
#pragma once

#include "ops/builder.h"

namespace slipway {

class ImportContext {
 public:
  ImportContext(const OpDef& op, const ForeignNode& node, GraphBuilder& builder)
      : op_(op), node_(node), builder_(builder), bound_(node.outputs.size(), kNoValue) {}

  const OpDef& op() const { return op_; }
  const ForeignNode& node() const { return node_; }
  const Attrs& attrs() const { return node_.attrs; }
  int64_t version() const { return node_.version; }
  GraphBuilder& builder() { return builder_; }

  size_t num_inputs() const { return node_.inputs.size(); }
  bool HasInput(size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != kNoValue; }
  ValueId in(size_t i) const { return HasInput(i) ? node_.inputs[i] : kNoValue; }
  const Type& type(ValueId id) const { return builder_.type(id); }
  const Tensor* constant(ValueId id) const { return id == kNoValue ? nullptr : builder_.constant(id); }
  // Content of a constant integer input as numbers; an error that names the input if it isn't constant.
  Result<Ints> ConstantInts(size_t i) const;
  // Content of a constant real scalar input; `otherwise` when left out.
  Result<double> ConstantScalar(size_t i, double otherwise) const;

  // An intermediate node with one output.
  Result<ValueId> Add(std::string op, std::vector<ValueId> inputs, Attrs attrs = {});
  ValueId Const(Tensor tensor) { return builder_.Constant(node_.name + "/const", std::move(tensor)); }
  ValueId ConstInts(const Ints& values) { return builder_.Ints(values); }
  // `value` transposed by `permutation`; a constant (its per-axis quantisation included) is transposed at
  // once.
  Result<ValueId> Transposed(ValueId value, const Ints& permutation);

  // The last node: its outputs are the foreign node's, with their names and quantisation.
  Status Emit(std::string op, std::vector<ValueId> inputs, Attrs attrs = {});
  // Foreign output i is this value (an alias, as for Identity, or an intermediate).
  void Bind(size_t i, ValueId value) { bound_[i] = value; }
  // The same inputs and those foreign attributes that the record knows, after `extra` (which wins).
  Status EmitSame(Attrs extra = {});

  // "<op> '<name>' (onnx Conv, opset 11): <message>"
  Status Error(std::string message, std::string hint = {}) const;
  Status Unsupported(std::string message, std::string hint = {}) const;

  // One per foreign output; kNoValue: not produced.
  const std::vector<ValueId>& bound() const { return bound_; }

 private:
  const OpDef& op_;
  const ForeignNode& node_;
  GraphBuilder& builder_;
  std::vector<ValueId> bound_;
};

// Imports one node: finds its row, runs it, and returns a value per foreign output. kUnsupported when no row
// reads it, with the versions that rows do read in the message.
Result<std::vector<ValueId>> ImportNode(const ForeignNode& node, GraphBuilder& builder);

// Keeps a node that no row reads as it is, for a plugin given later (ops/dynamic_ops.h). kUnsupported where
// it holds a sub-graph, which no plugin takes.
Result<std::vector<ValueId>> ImportCustom(const ForeignNode& node, GraphBuilder& builder);

}  // namespace slipway
