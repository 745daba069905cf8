// One call of an operator's reference implementation, and the little interpreter that runs a graph of them.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ops/op.h"

namespace slipway {

// What flows along an edge: a tensor, a sequence of tensors, or an optional of either.
struct Datum {
  TypeKind kind = TypeKind::kTensor;
  Tensor tensor;
  std::shared_ptr<const std::vector<Tensor>> sequence;
  bool has_value = true;  // optionals

  static Datum Of(Tensor tensor) { return {TypeKind::kTensor, std::move(tensor), nullptr, true}; }
  static Datum Of(std::vector<Tensor> tensors) {
    return {TypeKind::kSequence, {}, std::make_shared<const std::vector<Tensor>>(std::move(tensors)), true};
  }
};

// Runs sub-graphs for control flow.
class GraphRunner {
 public:
  virtual ~GraphRunner() = default;
  // inputs: one per graph input.
  virtual Result<std::vector<Datum>> Run(const Graph& graph, std::span<const Datum> inputs) = 0;
};

// A node with its operands. Inputs outlive the call; outputs whose shape is known beforehand are allocated
// before it, the others by AllocateOutput within it.
class RunContext {
 public:
  struct Operand {
    Datum* datum = nullptr;  // null: left out
    const Quant* quant = nullptr;
    const Type* type = nullptr;  // outputs: as inferred; IsStatic() if the tensor is allocated
  };

  RunContext(const Node& node, std::span<const Operand> inputs, std::span<const Operand> outputs,
             GraphRunner* runner)
      : node_(node), inputs_(inputs), outputs_(outputs), runner_(runner) {}

  const Node& node() const { return node_; }
  const Attrs& attrs() const { return node_.attrs; }

  size_t num_inputs() const { return inputs_.size(); }
  bool HasInput(size_t i) const { return i < inputs_.size() && inputs_[i].datum != nullptr; }
  const Tensor& in(size_t i) const { return inputs_[i].datum->tensor; }
  const Datum& in_datum(size_t i) const { return *inputs_[i].datum; }
  const Quant* in_quant(size_t i) const { return HasInput(i) ? inputs_[i].quant : nullptr; }

  size_t num_outputs() const { return outputs_.size(); }
  bool HasOutput(size_t i) const { return i < outputs_.size() && outputs_[i].datum != nullptr; }
  Tensor& out(size_t i) const { return outputs_[i].datum->tensor; }
  const Type& out_type(size_t i) const { return *outputs_[i].type; }
  const Quant* out_quant(size_t i) const { return HasOutput(i) ? outputs_[i].quant : nullptr; }
  // For outputs whose shape depends on data. The dtype is the inferred one.
  Tensor& AllocateOutput(size_t i, Dims dims) const;
  // For sequences and optionals.
  void SetOutput(size_t i, Datum datum) const { *outputs_[i].datum = std::move(datum); }

  Result<std::vector<Datum>> RunGraph(const Graph& graph, std::span<const Datum> inputs) const;

  Status Error(std::string message, std::string hint = {}) const;

 private:
  const Node& node_;
  std::span<const Operand> inputs_;
  std::span<const Operand> outputs_;
  GraphRunner* runner_;
};

// Runs one node by its reference: infers the output types from the concrete inputs, allocates, calls. Used by
// constant folding, the interpreter and tests. `inputs[i]` null where left out; one Datum per node output
// comes back.
Result<std::vector<Datum>> RunReference(const Graph& graph, const Node& node,
                                        std::span<const Datum* const> inputs, GraphRunner* runner);

// The slow truth: runs a whole graph node by node. Deep nesting of sub-graphs beyond 64 levels is refused.
Result<std::vector<Datum>> Interpret(const Graph& graph, std::span<const Datum> inputs);
// The same, handing every computed value to `observe` as soon as it is there.
Result<std::vector<Datum>> Interpret(const Graph& graph, std::span<const Datum> inputs,
                                     const std::function<void(ValueId, const Datum&)>& observe);

}  // namespace slipway
